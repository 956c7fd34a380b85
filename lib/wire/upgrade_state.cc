#include "lib/wire/upgrade_state.h"

#include <concepts>
#include <ranges>
#include <utility>

#include "absl/strings/str_cat.h"

#include <nlohmann/json.hpp>

namespace deptyr {
namespace {

using nlohmann::json;

// Makes a value of what is parsed.  The library's own builder throws where a
// length is more than there can be, and follows nesting as deep as it goes.
class Builder final : public nlohmann::json_sax<json> {
 public:
  // Nothing has more than `most` elements.
  explicit Builder(size_t most) : most_(most) {}
  const json& made() const { return made_; }

  bool boolean(bool value) override { return Put(value); }
  bool number_integer(int64_t value) override { return Put(value); }
  bool number_unsigned(uint64_t value) override { return Put(value); }
  bool string(std::string& text) override { return Put(std::move(text)); }
  // No field is of these types.
  bool null() override { return Put({}); }
  bool number_float(double, const std::string&) override { return Put({}); }
  bool binary(json::binary_t&) override { return Put({}); }
  bool key(std::string& name) override {
    key_ = std::move(name);
    return true;
  }
  bool start_object(size_t size) override { return Open(json::object(), size); }
  bool start_array(size_t size) override { return Open(json::array(), size); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }
  bool parse_error(size_t, const std::string&,
                   const json::exception&) override {
    return false;
  }

 private:
  static constexpr size_t kDeepest = 32;

  json& Next() {
    if (open_.empty()) return made_;
    json& parent = *open_.back();
    return parent.is_object() ? parent[key_] : parent.emplace_back();
  }
  bool Put(json value) {
    Next() = std::move(value);
    return true;
  }
  // A size that isn't known yet is SIZE_MAX.
  bool Open(json empty, size_t size) {
    open_.push_back(&(Next() = std::move(empty)));
    return open_.size() <= kDeepest && (size == SIZE_MAX || size <= most_);
  }
  bool Close() {
    open_.pop_back();
    return true;
  }

  const size_t most_;
  json made_;
  std::vector<json*> open_;  // from the outermost to the one being filled
  std::string key_;
};

// Declared before its users: one structure has another one in it.
template <HasFields T>
bool Read(const json& from, T& to);

// Returns false if the value isn't of the field's type.
bool Read(const json& from, bool& to) {
  if (from.is_boolean()) to = from.get<bool>();
  return from.is_boolean();
}
bool Read(const json& from, std::string& to) {
  if (from.is_string()) to = from.get<std::string>();
  return from.is_string();
}
template <std::integral T>
bool Read(const json& from, T& to) {
  const auto take = [&to](auto number) {
    to = static_cast<T>(number);
    return std::in_range<T>(number);
  };
  if (from.is_number_unsigned()) return take(from.get<uint64_t>());
  return from.is_number_integer() && take(from.get<int64_t>());
}
bool Read(const json& from, OfferedFd& to) {
  return Read(from, to.number);
}
bool Read(const json& from, std::map<std::string, uint64_t>& to) {
  if (!from.is_object()) return false;
  for (const auto& [key, value] : from.items()) {
    if (!Read(value, to[key])) return false;
  }
  return true;
}
template <typename T>
bool Read(const json& from, std::vector<T>& to) {
  if (!from.is_array()) return false;
  for (const json& one : from) {
    if (!Read(one, to.emplace_back())) return false;
  }
  return true;
}
template <HasFields T>
bool Read(const json& from, T& to) {
  bool sound = from.is_object();
  ForEachField(
      [&](absl::string_view name, auto& field) {
        if (!sound) return;
        const auto found = from.find(std::string(name));
        sound = found == from.end() || Read(*found, field);
      },
      to);
  return sound;
}

template <typename T>
void CollectDescriptors(const T& from, std::vector<int>& fds) {
  if constexpr (std::is_same_v<T, OfferedFd>) {
    if (from >= 0) fds.push_back(from);
  } else if constexpr (HasFields<T>) {
    ForEachField(
        [&fds](auto, const auto& field) { CollectDescriptors(field, fds); },
        from);
  } else if constexpr (std::ranges::range<T>) {
    for (const auto& one : from) CollectDescriptors(one, fds);
  }
}

}  // namespace

// These two are what json's constructors look for.

// NOLINTNEXTLINE(readability-identifier-naming)
static void to_json(json& made, OfferedFd fd) {
  made = fd.number;
}

template <HasFields T>
// NOLINTNEXTLINE(readability-identifier-naming)
static void to_json(json& made, const T& state) {
  made = json::object();
  ForEachField(
      [&made]<typename Field>(absl::string_view name, const Field& field) {
        if (field != Field()) made[std::string(name)] = field;
      },
      state);
}

std::string Encode(const HeadState& state) {
  json object = state;
  object["version"] = kUpgradeStateVersion;
  std::string bytes;
  json::to_cbor(object, bytes);
  return bytes;
}

absl::StatusOr<HeadState> Decode(absl::string_view bytes) {
  Builder builder(bytes.size());
  const bool sound = json::sax_parse(bytes.begin(), bytes.end(), &builder,
                                     json::input_format_t::cbor);
  const json& parsed = builder.made();
  if (!sound || !parsed.is_object()) {
    return absl::InvalidArgumentError("what was handed over is no state");
  }
  int version = 0;
  (void)Read(parsed.value("version", json()), version);
  if (version != kUpgradeStateVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("the state that was handed over is of format ", version,
                     ", and this deptyr knows ", kUpgradeStateVersion));
  }
  HeadState state;
  if (!Read(parsed, state)) {
    return absl::InvalidArgumentError(
        "a field of what was handed over is of another type");
  }
  return state;
}

std::vector<int> DescriptorsOf(const HeadState& state) {
  std::vector<int> fds;
  CollectDescriptors(state, fds);
  return fds;
}

}  // namespace deptyr
