#include "lib/term/screen.h"

#include "lib/term/interpreter.h"
#include "lib/term/painter.h"

namespace deptyr {

Screen::Screen(WindowSize size, size_t scrollback)
    : size_(size),
      interpreter_(std::make_unique<Interpreter>(size, scrollback)) {}
Screen::Screen(Screen&&) noexcept = default;
Screen& Screen::operator=(Screen&&) noexcept = default;
Screen::~Screen() = default;

size_t Screen::WriteSome(absl::string_view bytes, uint64_t most) {
  return interpreter_->Write(bytes, most);
}

uint64_t Screen::work() const {
  return interpreter_->model().work();
}

void Screen::Resize(WindowSize size) {
  if (size == size_) return;
  size_ = size;
  interpreter_->Resize(size);
}

std::string Screen::Paint(const Modes& modes, WindowSize room, bool* all) {
  Painter painter(*interpreter_, modes, room);
  std::string painted = painter.Paint();
  if (all != nullptr) *all = painter.all();
  return painted;
}

std::vector<Row> Screen::Rows() const {
  return interpreter_->Rows();
}
std::vector<Row> Screen::PrimaryRows() {
  if (!alternate_screen()) return Rows();
  std::vector<Row> rows;
  (void)interpreter_->LookBeneath([&] { rows = Rows(); });
  return rows;
}
Cursor Screen::cursor() const {
  return interpreter_->cursor();
}
bool Screen::cursor_visible() const {
  return interpreter_->modes().cursor_visible();
}
bool Screen::reverse_video() const {
  return interpreter_->modes().reverse_video();
}
bool Screen::alternate_screen() const {
  return interpreter_->modes().alternate();
}
std::vector<std::string> Screen::Scrollback() const {
  const auto& lines = interpreter_->model().scrollback();
  return {lines.begin(), lines.end()};
}

}  // namespace deptyr
