// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <plait/checkpoint/export.hpp>
#include <plait/checkpoint/reader.hpp>
#include <plait/data/gzip.hpp>

#include <doctest/doctest.h>

#include "checkpoints.hpp"
#include "data/scratch.hpp"
#include "refused.hpp"

namespace plait {
namespace {

using namespace plait::testing;

TEST_CASE("any box of any tensor is read, however it was cut") {
  const scratch_directory scratch;
  const checkpoint_reader from{save_small(scratch.path(), 7)};
  for (std::int64_t row = 0; row < 4; ++row)
    for (std::int64_t column = 0; column < 5; ++column)
      for (std::int64_t rows = 0; rows <= 4 - row; ++rows)
        for (std::int64_t columns = 0; columns <= 5 - column; ++columns) {
          const box wanted{{row, column}, {rows, columns}};
          std::vector<float> values(static_cast<std::size_t>(wanted.volume()));
          from.read("parted", wanted, std::as_writable_bytes(std::span{values}));
          REQUIRE(values == values_of("parted", 7, 5, wanted));
        }
  std::vector<float> six(6);
  const auto bytes = std::as_writable_bytes(std::span{six});
  check_refused(error_kind::usage, {"no tensor other"}, [&] { from.read("other", {{0, 0}, {2, 3}}, bytes); });
  check_refused(error_kind::usage, {"whole", "[2, 3]"}, [&] { from.read("whole", {{1, 0}, {2, 3}}, bytes); });
  check_refused(error_kind::usage, {"whole", "[2, 3]"}, [&] { from.read("whole", {{0, 0}, {1, 3}}, bytes); });
}

TEST_CASE("a file of a checkpoint that is cut off at any byte is refused in a sentence that names it") {
  const scratch_directory scratch;
  const std::string folder = save_small(scratch.path(), 7);
  for (const auto& each : std::filesystem::directory_iterator{folder}) {
    const std::string path = each.path().string();
    const byte_vector whole = read_bytes(path);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      CAPTURE(size);
      std::filesystem::resize_file(path, size);
      // The line end of the manifest is not part of what it says.
      if (path.ends_with("manifest.json") && size + 1 == whole.size())
        CHECK(holds_step(folder, 7));
      else
        check_refused(error_kind::io, {path}, [&] { holds_step(folder, 7); });
      std::filesystem::remove(path);
      scratch.write(path.substr(scratch.path().size() + 1), whole);
    }
  }
  CHECK(holds_step(folder, 7));
}

TEST_CASE("a bit turned anywhere in a checkpoint is noticed, and nothing else than what was saved is ever read") {
  const scratch_directory scratch;
  const std::string folder = save_small(scratch.path(), 7);
  int noticed = 0, harmless = 0;
  for (const auto& each : std::filesystem::directory_iterator{folder}) {
    const std::string path = each.path().string();
    const byte_vector whole = read_bytes(path);
    const bool is_manifest = path.ends_with("manifest.json");
    for (std::size_t at = 0; at < whole.size(); ++at) {
      byte_vector changed = whole;
      changed[at] ^= std::byte{1} << at % 8;
      scratch.write(path.substr(scratch.path().size() + 1), changed);
      CAPTURE(path);
      CAPTURE(at);
      bool same = false;
      try {
        same = holds_step(folder, 7);
        ++harmless;
        REQUIRE(same);
        REQUIRE(is_manifest);  // one blank for another
      } catch (const error& refused) {
        ++noticed;
        REQUIRE(name_of(refused.kind()) == "io");
        REQUIRE(refused.sentence().find('\n') == std::string::npos);
        REQUIRE(refused.sentence().find(folder) != std::string::npos);
      }
    }
    scratch.write(path.substr(scratch.path().size() + 1), whole);
  }
  CHECK(noticed > 800);
  CHECK(harmless < noticed / 20);
}

TEST_CASE("missing and foreign files are refused: a shard of another checkpoint, another program's file, no file") {
  const scratch_directory scratch;
  const std::string folder = save_small(scratch.path(), 7), other = save_small(scratch.path(), 8);
  const std::string shard = folder + "/shard-00001.safetensors", its_manifest = folder + "/manifest.json";
  const byte_vector mine = read_bytes(shard), text = read_bytes(its_manifest);
  const auto put = [&](const std::string& path, const byte_vector& bytes) {
    scratch.write(path.substr(scratch.path().size() + 1), bytes);
  };
  // The same size, tensors and boxes: what differs are the values, and with them the header's check sums.
  put(shard, read_bytes(other + "/shard-00001.safetensors"));
  check_refused(error_kind::io, {shard, "of another checkpoint"}, [&] { holds_step(folder, 7); });
  std::filesystem::remove(shard);
  check_refused(error_kind::io, {shard, "No such file"}, [&] { holds_step(folder, 7); });
  std::filesystem::create_directory(shard);
  check_refused(error_kind::io, {shard, "not an ordinary file"}, [&] { holds_step(folder, 7); });
  std::filesystem::remove(shard);
  put(shard, mine);
  CHECK(holds_step(folder, 7));

  const auto manifest_refused = [&](std::string_view content, const std::string& words) {
    put(its_manifest, byte_vector(bytes_of_text(content).begin(), bytes_of_text(content).end()));
    check_refused(error_kind::io, {its_manifest, words}, [&] { holds_step(folder, 7); });
  };
  manifest_refused("", "is not JSON");
  manifest_refused("PNG!", "is not JSON");
  manifest_refused("[]", "not of a checkpoint of plait");
  manifest_refused(R"({"format":"pt"})", "not of a checkpoint of plait");
  manifest_refused(R"({"format":"plait checkpoint 2"})", "another version of the format, plait checkpoint 2");
  manifest_refused(R"({"format":"plait checkpoint 1"})", "its check sum is not that of its content");
  const auto signed_text = [](json::object all) {
    all.emplace_back("crc32", crc32_text(crc32(bytes_of_text(json{all}.to_text()))));
    return json{all}.to_text();
  };
  const auto with_shard = [&](json one) {
    return signed_text({{"format", "plait checkpoint 1"}, {"state", {}}, {"shards", json::array{std::move(one)}}});
  };
  manifest_refused(signed_text({{"format", "plait checkpoint 1"}}), "lacks a state, or a list of shards");
  manifest_refused(with_shard(1), "a shard without file, bytes and header_crc32");
  manifest_refused(with_shard(json::object{{"file", "../x"}, {"bytes", 1}, {"header_crc32", "00000000"}}),
                   "does not lie beside it");
  manifest_refused(with_shard(json::object{{"file", "x"}, {"bytes", 1}, {"header_crc32", "0000000g"}}),
                   "a check sum that is none");
  check_refused(error_kind::io, {"/nowhere/manifest.json", "No such file"},
                [&] { checkpoint_reader{scratch.path() + "/nowhere"}; });
}

TEST_CASE("pieces that do not tile their tensor, or do not agree about it, are refused") {
  const scratch_directory scratch;
  int number = 0;
  const auto refused = [&](std::vector<tensor_piece> first, std::vector<tensor_piece> second,
                           const std::string& words) {
    const std::string folder = scratch.file(std::to_string(number++));
    std::filesystem::create_directory(folder);
    manifest made;
    made.shards.push_back({"a", write_pieces(folder + "/a", 1, std::move(first))});
    made.shards.push_back({"b", write_pieces(folder + "/b", 1, std::move(second))});
    scratch.write(std::to_string(number - 1) + "/manifest.json", bytes_of_text(to_text(made)));
    check_refused(error_kind::io, {folder, words}, [&] { checkpoint_reader{folder}; });
  };
  const tensor_piece left{.name = "x", .shape = {4, 5}, .where = {{0, 0}, {4, 2}}};
  tensor_piece other = left;
  refused({left}, {}, "the whole of tensor x: 12 of its elements are in no piece");
  refused({left}, {left}, "the whole of tensor x: pieces of it overlap");
  other.where = {{0, 1}, {4, 3}};
  refused({left}, {other}, "pieces of it overlap");
  other = {.name = "x", .shape = {4, 6}, .where = {{0, 2}, {4, 4}}};
  refused({left}, {other}, "pieces of tensor x that differ in type or shape");
  other = {.name = "x", .shape = {4, 5}, .where = {{1, 0}, {4, 2}}};
  refused({left}, {other}, "does not say where its piece of x lies");
}

TEST_CASE("a checkpoint is exported to one file of whole tensors, and what is left out is not there") {
  const scratch_directory scratch;
  const checkpoint_reader from{save_small(scratch.path(), 7)};
  const std::string path = scratch.file("model.safetensors");
  for (const std::string& without : {std::string{}, std::string{"par"}}) {
    export_safetensors(from, path, without);  // the second time over the first
    const input_file file{path};
    const safetensors_header header = parse_safetensors(read_safetensors_head(file), file.size(), path);
    CHECK(header.tensors.size() == (without.empty() ? 2 : 1));
    for (const safetensors_entry& one : header.tensors) {
      std::vector<float> values(static_cast<std::size_t>(*byte_size(one.shape)));
      file.read(std::as_writable_bytes(std::span{values}), header.bytes + one.bytes.begin);
      CHECK(values == values_of(one.name, 7, one.shape[1], box::whole(one.shape)));
    }
  }
  check_refused(error_kind::io, {"/nowhere/x"}, [&] { export_safetensors(from, scratch.path() + "/nowhere/x"); });
}

}  // namespace
}  // namespace plait
