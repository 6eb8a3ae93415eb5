// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <plait/checkpoint/file.hpp>
#include <plait/checkpoint/safetensors.hpp>

#include <doctest/doctest.h>

#include "data/scratch.hpp"
#include "refused.hpp"

namespace plait {
namespace {

using namespace plait::testing;

/// A file of that header text and so many bytes of data.
std::string file_of(std::string_view text, std::size_t data = 0) {
  const std::uint64_t length = text.size();
  std::string file(8, '\0');
  std::memcpy(file.data(), &length, 8);
  return file.append(text).append(data, '\x55');
}

safetensors_header parse(const std::string& file) {
  return parse_safetensors(bytes_of_text(file), std::ssize(file), "some.safetensors");
}

TEST_CASE("the file that the format's own page shows is read") {
  const safetensors_header header =
      parse(file_of(R"({"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[],"data_offsets":[24,26]},)"
                    R"("a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}})",
                    26));
  CHECK(header.tensors == std::vector<safetensors_entry>{{"a", "F32", {2, 3}, {0, 24}}, {"b", "BF16", {}, {24, 26}}});
  CHECK(*header.find("format") == "pt");
  CHECK(header.find("else") == nullptr);
}

TEST_CASE("a header is read as it was written, and data begin at a multiple of 8") {
  const std::vector<safetensors_entry> tensors{
      {"none", "F64", {0, 4}, {0, 0}}, {"one \"two\"", "F64", {3}, {0, 24}}, {"\xc3\xa4", "U8", {5, 1}, {24, 29}}};
  const std::string text = safetensors_text(tensors, {{"key", "line\n"}, {"", ""}});
  CHECK(text.size() % 8 == 0);
  const safetensors_header header = parse(text + std::string(29, 'x'));
  CHECK(header.tensors == tensors);
  CHECK(*header.find("key") == "line\n");
  CHECK(header.bytes == std::ssize(text));
  CHECK(parse(safetensors_text({}, {})).tensors.empty());
}

TEST_CASE("a header that breaks the format is refused with what is wrong with it") {
  const auto refused = [](const std::string& file, const std::string& words) {
    CAPTURE(file);
    check_refused(error_kind::io, {"some.safetensors", words}, [&] { parse(file); });
  };
  const auto entry = [](std::string_view value) { return std::string{R"({"a":)"}.append(value).append("}"); };
  refused("", "takes 8 bytes");
  refused("1234567", "takes 8 bytes");
  refused(file_of("{}").substr(0, 9), "says to be 2 bytes long, and 1 follow");
  refused(std::string(8, '\xff') + "{}", "18446744073709551615 bytes long, and 100 MB are allowed");
  refused(file_of("[]"), "does not start with {");
  refused(file_of(" {}"), "does not start with {");
  refused(file_of("{"), "is not JSON");
  refused(file_of("{} x"), "is not JSON");
  refused(file_of(R"({"a":{},"a":{}})"), "a name stands twice");
  refused(file_of(entry("1")), "has dtype, shape and data_offsets");
  refused(file_of(entry(R"({"dtype":"F32","shape":[1]})"), 4), "has dtype, shape and data_offsets");
  refused(file_of(entry(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1})"), 4), "and nothing else");
  refused(file_of(entry(R"({"dtype":"F33","shape":[1],"data_offsets":[0,4]})"), 4), "a type that is not known");
  refused(file_of(entry(R"({"dtype":7,"shape":[1],"data_offsets":[0,4]})"), 4), "a type that is not known");
  refused(file_of(entry(R"({"dtype":"F32","shape":1,"data_offsets":[0,4]})"), 4), "no list");
  refused(file_of(entry(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})"), 4), "no counts");
  refused(file_of(entry(R"({"dtype":"F32","shape":[1.0],"data_offsets":[0,4]})"), 4), "no counts");
  refused(file_of(entry(R"({"dtype":"F32","shape":[1],"data_offsets":[0]})"), 4), "are a begin and an end");
  refused(file_of(entry(R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})"), 4), "are a begin and an end");
  refused(file_of(entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})"), 4), "does not take 4 bytes");
  refused(file_of(entry(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]})")), "does not take 0");
  refused(file_of(entry(R"({"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]})")), "does not take 0");
  refused(file_of(entry(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})"), 8), "begins at byte 4");
  refused(file_of(entry(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})"), 3), "take 4 bytes, and 3 follow");
  refused(file_of(entry(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})"), 5), "take 4 bytes, and 5 follow");
  refused(
      file_of(
          R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
          6),
      "tensor b begins at byte 2 of the data, and those before it end at 4");
  refused(file_of(R"({"__metadata__":[]})"), "__metadata__ is no object");
  refused(file_of(R"({"__metadata__":{"a":1}})"), "no text: a");
}

TEST_CASE("a file's header is read from the file without its data, and refused where it is cut off anywhere") {
  const scratch_directory scratch;
  const std::string whole = safetensors_text({{"a", "F32", {2}, {0, 8}}}, {}) + "12345678";
  const input_file file{scratch.write("whole", bytes_of_text(whole))};
  CHECK(std::ssize(read_safetensors_head(file)) == std::ssize(whole) - 8);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    const std::string path = scratch.write("cut", bytes_of_text(whole.substr(0, size)));
    check_refused(error_kind::io, {path}, [&] {
      const input_file cut{path};
      parse_safetensors(read_safetensors_head(cut), cut.size(), path);
    });
  }
}

}  // namespace
}  // namespace plait
