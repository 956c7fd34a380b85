#include "lib/screen/screen.h"

#include "lib/screen/interpreter.h"
#include "lib/screen/painter.h"

namespace deptyr {

Screen::Screen(WindowSize size, size_t scrollback)
    : size_(size),
      interpreter_(std::make_unique<Interpreter>(size, scrollback)) {}
Screen::Screen(Screen&&) noexcept = default;
Screen& Screen::operator=(Screen&&) noexcept = default;
Screen::~Screen() = default;

void Screen::Write(absl::string_view bytes) {
  interpreter_->Write(bytes);
}

void Screen::Resize(WindowSize size) {
  if (size == size_) return;
  size_ = size;
  interpreter_->Resize(size);
}

std::string Screen::Paint(const Digest& digest, WindowSize room) {
  return Painter(*interpreter_, digest, room).Paint();
}

std::vector<Row> Screen::Rows() const {
  return interpreter_->Rows();
}
std::vector<Row> Screen::PrimaryRows() {
  return alternate_screen() ? interpreter_->RowsBeneath() : Rows();
}
Cursor Screen::cursor() const {
  return interpreter_->cursor();
}
bool Screen::cursor_visible() const {
  return interpreter_->cursor_visible();
}
bool Screen::reverse_video() const {
  return interpreter_->reverse_video();
}
bool Screen::alternate_screen() const {
  return interpreter_->alternate();
}
std::vector<std::string> Screen::Scrollback() const {
  const auto& lines = interpreter_->model().scrollback();
  return {lines.begin(), lines.end()};
}

}  // namespace deptyr
