// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/schedule/dualpipe.hpp>
#include <plait/schedule/pipedream.hpp>
#include <plait/timeline/svg.hpp>

#include <doctest/doctest.h>

#include "timelines.hpp"

namespace {

using namespace plait;

std::string picture_of(const std::vector<timeline>& timelines, const svg_options& options = {}) {
  std::ostringstream out;
  write_svg(out, timelines, options);
  return out.str();
}

/// An element as it stands: its name, its attributes, the text right inside it, the tooltip it has.
struct element {
  std::string name;
  std::map<std::string, std::string> attributes;
  std::string text;
  std::string tooltip;
  [[nodiscard]] double number(const std::string& attribute) const { return std::stod(attributes.at(attribute)); }
};

/// Reads XML of the kind that pictures are written in, and fails the test where tags do not match, attributes are
/// doubled or not quoted, or a character stands bare that must not.
std::vector<element> read_xml(const std::string& text) {
  std::vector<element> elements;
  std::vector<std::size_t> open;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t tag = text.find('<', at);
    const std::string words = text.substr(at, tag - at);
    REQUIRE(words.find('>') == std::string::npos);
    for (std::size_t i = words.find('&'); i != std::string::npos; i = words.find('&', i + 1)) {
      const std::string entity = words.substr(i, words.find(';', i) - i + 1);
      REQUIRE(std::set<std::string>{"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"}.count(entity) == 1);
    }
    if (!open.empty()) elements[open.back()].text += words;
    if (tag == std::string::npos) break;
    const std::size_t end = text.find('>', tag);
    REQUIRE(end != std::string::npos);
    std::string inside = text.substr(tag + 1, end - tag - 1);
    at = end + 1;
    if (inside[0] == '/') {
      REQUIRE_FALSE(open.empty());
      REQUIRE(elements[open.back()].name == inside.substr(1));
      const element closed = elements[open.back()];
      open.pop_back();
      if (closed.name == "title" && !open.empty()) elements[open.back()].tooltip = closed.text;
      continue;
    }
    const bool closes_itself = inside.back() == '/';
    if (closes_itself) inside.pop_back();
    element one;
    std::size_t next = inside.find(' ');
    one.name = inside.substr(0, next);
    while (next != std::string::npos && next < inside.size()) {
      const std::size_t equals = inside.find("=\"", next);
      REQUIRE(equals != std::string::npos);
      const std::size_t quote = inside.find('"', equals + 2);
      REQUIRE(quote != std::string::npos);
      const std::string name = inside.substr(next + 1, equals - next - 1);
      REQUIRE(name.find_first_of(" \"") == std::string::npos);
      REQUIRE(one.attributes.emplace(name, inside.substr(equals + 2, quote - equals - 2)).second);
      next = quote + 1;
      REQUIRE((next == inside.size() || inside[next] == ' '));
    }
    elements.push_back(one);
    if (!closes_itself) open.push_back(elements.size() - 1);
  }
  REQUIRE(open.empty());
  REQUIRE_FALSE(elements.empty());
  CHECK(elements[0].name == "svg");
  return elements;
}

/// The boxes of actions: those that tell more when pointed at.
std::vector<element> boxes(const std::vector<element>& elements) {
  std::vector<element> found;
  for (const element& one : elements)
    if (one.name == "rect" && !one.tooltip.empty()) found.push_back(one);
  return found;
}
std::vector<std::string> texts(const std::vector<element>& elements) {
  std::vector<std::string> found;
  for (const element& one : elements)
    if (one.name == "text") found.push_back(one.text);
  return found;
}
bool says(const std::vector<element>& elements, const std::string& words) {
  const auto all = texts(elements);
  return std::count(all.begin(), all.end(), words) > 0;
}
/// `backward stage 2 micro 0, rank 2`: what a tooltip says before its times.
std::string action_of(const element& box) {
  return box.tooltip.substr(0, box.tooltip.find(": from"));
}

void check_every_pass_is_drawn_once(const timeline& step, const std::vector<element>& elements) {
  std::multiset<std::string> expected, drawn;
  for (const timeline_row& row : step.rows)
    if (is_compute(row.kind))
      expected.insert(std::string{name_of(row.kind)} + " stage " + std::to_string(row.stage) + " micro " +
                      std::to_string(row.micro) + ", rank " + std::to_string(row.rank));
  for (const element& box : boxes(elements))
    if (box.tooltip.find("micro") != std::string::npos) drawn.insert(action_of(box));
  CHECK(drawn == expected);
}

TEST_CASE("every pass is drawn exactly once, inside the picture") {
  for (const timeline& step :
       {testing::unit_timeline<one_f_one_b>({4, 8, 1}), testing::unit_timeline<interleaved<2>>({4, 7, 2}),
        testing::unit_timeline<one_f_one_b>({16, 64, 1}), testing::two_ranks()}) {
    const auto elements = read_xml(picture_of({step}, {.title = "a step", .unit = time_unit::unit}));
    check_every_pass_is_drawn_once(step, elements);
    const double width = elements[0].number("width"), height = elements[0].number("height");
    CHECK(elements[0].attributes.at("viewBox") ==
          "0 0 " + elements[0].attributes.at("width") + " " + elements[0].attributes.at("height"));
    for (const element& one : elements) {
      if (one.name != "rect" || one.attributes.count("x") == 0) continue;
      CHECK(one.number("x") >= 0);
      CHECK(one.number("width") > 0);
      CHECK(one.number("x") + one.number("width") <= width);
      CHECK(one.number("y") + one.number("height") <= height);
    }
    for (const element& one : elements)
      if (one.name == "text") CHECK((one.number("x") >= 0 && one.number("x") <= width && one.number("y") <= height));
  }
}

TEST_CASE("boxes lie at their times, and their lanes at their ranks") {
  const timeline step = testing::unit_timeline<one_f_one_b>({4, 8, 1});
  const auto drawn = boxes(read_xml(picture_of({step}, {.unit = time_unit::unit, .plot_width = 660})));
  const auto find = [&](const std::string& action) {
    const auto found =
        std::find_if(drawn.begin(), drawn.end(), [&](const element& one) { return action_of(one) == action; });
    REQUIRE(found != drawn.end());
    return *found;
  };
  // 33 units over 660 pixels: 20 each.
  const element first = find("forward stage 0 micro 0, rank 0"), second = find("forward stage 0 micro 1, rank 0");
  const element below = find("forward stage 1 micro 0, rank 1"), last = find("backward stage 0 micro 7, rank 0");
  CHECK(first.number("width") == doctest::Approx(20));
  CHECK(second.number("x") - first.number("x") == doctest::Approx(20));
  CHECK(last.number("width") == doctest::Approx(40));
  CHECK(last.number("x") - first.number("x") == doctest::Approx(31 * 20));
  CHECK(second.number("y") == first.number("y"));
  CHECK(below.number("x") == doctest::Approx(second.number("x")));
  CHECK(below.number("y") > first.number("y") + first.number("height"));
  CHECK(first.tooltip == "forward stage 0 micro 0, rank 0: from 0 units for 1 units");
}

TEST_CASE("passes carry the numbers of their micro-batches, and the letters of their chunks where there are several") {
  const auto plain = texts(read_xml(picture_of({testing::unit_timeline<one_f_one_b>({4, 8, 1})})));
  for (int micro = 0; micro < 8; ++micro)
    CHECK(std::count(plain.begin(), plain.end(), std::to_string(micro)) >= 8);  // 4 ranks, forward and backward
  const auto lettered = texts(read_xml(picture_of({testing::unit_timeline<interleaved<2>>({4, 8, 2})})));
  for (int micro = 0; micro < 8; ++micro)
    for (const char* chunk : {"a", "b"})
      CHECK(std::count(lettered.begin(), lettered.end(), std::to_string(micro) + chunk) == 8);
  // Where there is no room there are no numbers, rather than some.
  const auto crowded =
      texts(read_xml(picture_of({testing::unit_timeline<one_f_one_b>({4, 64, 1})}, {.plot_width = 300})));
  CHECK(std::count(crowded.begin(), crowded.end(), "63") == 0);
  CHECK(std::count(crowded.begin(), crowded.end(), "7") == 0);
  // Forward passes, 6 pixels wide, have no room for two digits; backward passes have.
  const auto half =
      texts(read_xml(picture_of({testing::unit_timeline<one_f_one_b>({4, 64, 1})}, {.plot_width = 1206})));
  CHECK(std::count(half.begin(), half.end(), "63") == 4);
  CHECK(std::count(half.begin(), half.end(), "7") == 4);
}

TEST_CASE("kinds of actions differ in colour and in pattern, chunks in shade") {
  const auto drawn = boxes(read_xml(picture_of({testing::two_ranks()})));
  std::map<std::string, std::string> fills;  // of each kind
  for (const element& box : drawn)
    fills[box.tooltip.substr(0, box.tooltip.find_first_of(" ,"))] = box.attributes.at("fill");
  CHECK(fills.at("forward").starts_with("#"));
  CHECK(fills.at("backward") == "url(#plait-backward-0)");
  CHECK(fills.at("reduce_gradients") == "url(#plait-communication-0)");
  CHECK(fills.at("reduce_norm") == fills.at("reduce_gradients"));
  CHECK(fills.at("optimizer_step").starts_with("#"));
  CHECK(fills.at("optimizer_step") != fills.at("forward"));

  std::map<std::string, std::set<std::string>> shades;
  for (const element& box : boxes(read_xml(picture_of({testing::unit_timeline<interleaved<3>>({2, 4, 3})}))))
    shades[box.tooltip.substr(0, box.tooltip.find(' '))].insert(box.attributes.at("fill"));
  CHECK(shades.at("forward").size() == 3);
  CHECK(shades.at("backward").size() == 3);
}

TEST_CASE("the halves of backward passes differ from each other and from the whole") {
  timeline step{.name = "halves", .ranks = 1};
  for (op kind : {op::forward, op::backward, op::backward_input, op::backward_weight})
    step.rows.push_back({.kind = kind,
                         .stage = 0,
                         .chunk = 0,
                         .micro = 0,
                         .begin = static_cast<double>(step.rows.size()),
                         .end = static_cast<double>(step.rows.size()) + 1});
  const auto elements = read_xml(picture_of({step}));
  std::set<std::string> fills;
  for (const element& box : boxes(elements)) fills.insert(box.attributes.at("fill"));
  CHECK(fills.size() == 4);
  CHECK(says(elements, "input half of backward"));
  CHECK(says(elements, "weight half of backward"));
}

TEST_CASE("the legend names what is there and no more") {
  const auto passes = read_xml(picture_of({testing::unit_timeline<one_f_one_b>({2, 4, 1})}));
  for (const char* words : {"forward", "backward", "idle (bubble)", "number: micro-batch"}) CHECK(says(passes, words));
  for (const char* words : {"optimizer", "communication", "input half of backward"}) CHECK_FALSE(says(passes, words));
  const auto step = read_xml(picture_of({testing::two_ranks()}));
  CHECK(says(step, "optimizer"));
  CHECK(says(step, "communication"));
  CHECK(says(read_xml(picture_of({testing::unit_timeline<interleaved<2>>({2, 4, 2})})),
             "number: micro-batch; letter and shade: chunk"));
}

TEST_CASE("idle time is shaded on every lane as far as the makespan; waiting and nothing are not drawn as boxes") {
  const timeline step = testing::two_ranks();
  const auto elements = read_xml(picture_of({step}, {.plot_width = 710}));
  int lanes = 0;
  for (const element& one : elements)
    if (one.name == "rect" && one.attributes.at("fill") == "url(#plait-idle)" && one.number("width") > 20) {
      CHECK(one.number("width") == doctest::Approx(710));
      ++lanes;
    }
  CHECK(lanes == 2);
  for (const element& box : boxes(elements)) {
    CHECK(box.tooltip.find("receive") == std::string::npos);
    CHECK(box.tooltip.find("send") == std::string::npos);
  }
  CHECK(boxes(elements).size() == 2 * 6);  // forward, backward, reduction, norm, update, loss

  timeline with_nothing = step;
  with_nothing.rows.push_back({.rank = 0, .kind = op::reduce_gradients, .stage = 0, .begin = 3, .end = 3});
  CHECK(boxes(read_xml(picture_of({with_nothing}))).size() == 12);
}

TEST_CASE("a collective is drawn from when the last rank has come") {
  const timeline measured{.name = "measured",
                          .ranks = 2,
                          .rows = {{.rank = 0, .kind = op::forward, .micro = 0, .begin = 0, .end = 1},
                                   {.rank = 0, .kind = op::reduce_loss, .begin = 1, .end = 10},
                                   {.rank = 1, .kind = op::reduce_loss, .begin = 8, .end = 10}}};
  for (const element& box : boxes(read_xml(picture_of({measured}, {.plot_width = 1000}))))
    if (box.tooltip.starts_with("reduce_loss")) CHECK(box.number("width") == doctest::Approx(200));
}

TEST_CASE("what goes on under passes looks out below them") {
  const timeline overlapped{.name = "overlapped",
                            .ranks = 1,
                            .rows = {{.kind = op::reduce_gradients, .stage = 0, .begin = 1, .end = 3},
                                     {.kind = op::backward, .stage = 0, .micro = 0, .begin = 0, .end = 2}}};
  const auto drawn = boxes(read_xml(picture_of({overlapped})));
  REQUIRE(drawn.size() == 2);
  CHECK(drawn[0].tooltip.starts_with("reduce_gradients"));  // first, so that the pass lies on it
  CHECK(drawn[1].number("height") < drawn[0].number("height"));
  CHECK(drawn[1].number("y") == drawn[0].number("y"));
}

TEST_CASE("several timelines stand above each other on one scale of time") {
  timeline predicted = testing::two_ranks(), measured = predicted;
  measured.name = "measured";
  for (timeline_row& row : measured.rows) {
    row.begin = 100 + 2 * row.begin;  // twice as slow; the clock does not start at 0
    row.end = 100 + 2 * row.end;
  }
  const auto elements = read_xml(picture_of({predicted, measured}));
  const auto drawn = boxes(elements);
  REQUIRE(drawn.size() == 24);
  const auto first = [&](std::size_t from) {
    for (std::size_t i = from; i < from + 12; ++i)
      if (action_of(drawn[i]) == "backward stage 1 micro 0, rank 1") return drawn[i];
    return element{};
  };
  const element above = first(0), below = first(12);
  CHECK(below.number("width") == doctest::Approx(2 * above.number("width")).epsilon(1e-3));
  CHECK(below.number("y") > above.number("y") + 2 * above.number("height"));
  const auto leftmost = [&](std::size_t from) {
    double x = drawn[from].number("x");
    for (std::size_t i = from; i < from + 12; ++i) x = std::min(x, drawn[i].number("x"));
    return x;
  };
  CHECK(leftmost(12) == leftmost(0));  // both begin at the left end of their lanes
  CHECK(says(elements, "predicted: makespan 8.88 s, bubble 45.1 %, peak 1 chunk alive"));
  CHECK(says(elements, "measured: makespan 17.8 s, bubble 45.1 %, peak 1 chunk alive"));
}

TEST_CASE("each lane says how many activations its rank keeps, and evaluation keeps none") {
  const auto elements = read_xml(picture_of({testing::unit_timeline<one_f_one_b>({4, 8, 1})}));
  CHECK(says(elements, "peak"));
  const element* header = nullptr;
  for (const element& one : elements)
    if (one.text == "peak") header = &one;
  REQUIRE(header != nullptr);
  std::vector<std::string> column;
  for (const element& one : elements)
    if (one.name == "text" && one.number("x") == header->number("x") && one.text != "peak") column.push_back(one.text);
  CHECK(column == std::vector<std::string>{"4", "3", "2", "1"});
  const auto evaluation = read_xml(picture_of({predicted_timeline(
      forward_programs_of<one_f_one_b>({4, 8, 1}, {.optimize = false}), step_costs::uniform({4, 8, 1}))}));
  CHECK_FALSE(says(evaluation, "peak"));
}

TEST_CASE("two passes that run together have one line round them, and nothing else has") {
  const pipe_shape shape = shape_of<dualpipe>(4, 8);
  const std::vector<program> programs = programs_of<dualpipe>(shape, {.optimize = false});
  const timeline step = predicted_timeline(programs, step_costs::uniform(shape));
  long pairs = 0;
  for (const program& one : programs)
    pairs += std::count_if(one.actions.begin(), one.actions.end(), [](const action& act) { return act.beside; });
  REQUIRE(pairs > 0);
  const auto elements = read_xml(picture_of({step}, {.plot_width = 260}));  // 10 to a unit
  long lines = 0;
  for (const element& one : elements) {
    if (one.name != "rect" || one.attributes.at("fill") != "none") continue;
    ++lines;
    CHECK(one.number("width") == doctest::Approx(30));  // a forward pass of 1 and a backward pass of 2
  }
  CHECK(lines == pairs);
  CHECK(says(elements, "two passes that run together"));
  CHECK_FALSE(
      says(read_xml(picture_of({testing::unit_timeline<one_f_one_b>({4, 8, 1})})), "two passes that run together"));
}

TEST_CASE("a message along a skip edge is a curve from the forward pass that sends it to the one that reads it") {
  const step_costs costs = step_costs::uniform({4, 8, 1});
  const timeline step = predicted_timeline(programs_of<one_f_one_b>({4, 8, 1}, {.skips = {{0, 3}, {2, 3}}}), costs);
  const auto elements = read_xml(picture_of({step}, {.unit = time_unit::unit, .plot_width = 1000}));
  int curves = 0, in_legend = 0;
  for (const element& one : elements) {
    if (one.name != "path" || one.attributes.count("stroke-opacity") == 0) continue;
    in_legend += one.tooltip.empty() ? 1 : 0;
    if (one.tooltip.empty()) continue;
    ++curves;
    int edge = -1, micro = -1, from = -1, to = -1;
    REQUIRE(std::sscanf(one.tooltip.c_str(), "skip edge %d micro %d: from stage %d to stage %d", &edge, &micro, &from,
                        &to) == 4);
    CHECK(to == 3);
    CHECK(from == (edge == 0 ? 0 : 2));
    double x1 = 0, y1 = 0, x2 = 0, y2 = 0, unused = 0;
    REQUIRE(std::sscanf(one.attributes.at("d").c_str(), "M%lf,%lf C%lf,%lf %lf,%lf %lf,%lf", &x1, &y1, &unused, &unused,
                        &unused, &unused, &x2, &y2) == 8);
    // Both ends touch the boxes of those passes.
    const auto touches = [&](int stage, double x, double y, bool begin) {
      const std::string words = "forward stage " + std::to_string(stage) + " micro " + std::to_string(micro) + ",";
      for (const element& pass : boxes(elements))
        if (pass.tooltip.rfind(words, 0) == 0)
          return std::abs(pass.number("x") + (begin ? 0 : pass.number("width")) - x) < 0.02 && y > pass.number("y") &&
                 y < pass.number("y") + pass.number("height");
      return false;
    };
    CHECK(touches(from, x1, y1, false));
    CHECK(touches(to, x2, y2, true));
  }
  CHECK(curves == 2 * 8);
  CHECK(in_legend == 1);
  CHECK(says(elements, "skip edge: from the forward pass that sends to the one that reads"));
  CHECK(picture_of({testing::unit_timeline<one_f_one_b>({4, 8, 1})}).find("skip edge") == std::string::npos);
}

TEST_CASE(
    "messages along skip edges of several pipelines are told apart by rank, and one without its passes is not drawn") {
  timeline step =
      predicted_timeline(programs_of<one_f_one_b>({2, 3, 1}, {.skips = {{0, 1}}}), step_costs::uniform({2, 3, 1}));
  timeline both = step;
  both.ranks = 4;
  for (timeline_row& row : both.rows) row.rank *= 2;  // two pipelines, stage by stage
  for (timeline_row row : step.rows) {
    row.rank = 2 * row.rank + 1;
    both.rows.push_back(row);
  }
  const auto lines = detail::skip_lines(both);
  CHECK(lines.size() == 6);
  for (const detail::skip_line& one : lines) {
    CHECK(one.from.micro == one.to.micro);
    CHECK(one.to.rank == one.from.rank + 2);
    CHECK(one.from.end <= one.to.begin);
  }
  std::erase_if(step.rows, [](const timeline_row& row) { return row.kind == op::forward && row.stage == 1; });
  CHECK(detail::skip_lines(step).empty());
}

TEST_CASE("updates of single chunks that take no time are marks, one for each") {
  const pipe_shape shape = shape_of<pipedream<>>(4, 1, 8);
  const auto elements =
      read_xml(picture_of({predicted_timeline(programs_of<pipedream<>>(shape), step_costs::uniform(shape))}));
  std::map<std::string, int> marks;
  for (const element& one : elements)
    if (one.name == "path" && !one.tooltip.empty()) ++marks[one.tooltip];
  CHECK(marks ==
        std::map<std::string, int>{
            {"update of stage 0", 8}, {"update of stage 1", 8}, {"update of stage 2", 8}, {"update of stage 3", 8}});
  CHECK(says(elements, "update of the weights"));
}

TEST_CASE("eight chunks have eight shades of each kind, and the colours stay colours") {
  std::map<std::string, std::set<std::string>> fills;
  const auto elements = read_xml(picture_of({testing::unit_timeline<interleaved<8>>({2, 4, 8})}));
  for (const element& box : boxes(elements))
    fills[box.tooltip.substr(0, box.tooltip.find(' '))].insert(box.attributes.at("fill"));
  CHECK(fills.at("forward").size() == 8);
  CHECK(fills.at("backward").size() == 8);
  std::set<std::string> grounds;
  for (std::size_t i = 0; i + 1 < elements.size(); ++i)
    if (elements[i].name == "pattern" && elements[i].attributes.at("id").starts_with("plait-backward-"))
      grounds.insert(elements[i + 1].attributes.at("fill"));
  CHECK(grounds.size() == 8);
  for (const std::string& fill : fills.at("forward")) CHECK(fill.size() == 7);
}

TEST_CASE("the axis is in the unit that suits, or in units where asked") {
  const auto of_length = [](double seconds) {
    timeline step{.name = "one", .ranks = 1, .rows = {{.kind = op::forward, .micro = 0, .begin = 0, .end = seconds}}};
    return read_xml(picture_of({step}));
  };
  CHECK(says(of_length(33), "time in s"));
  CHECK(says(of_length(33), "30"));
  CHECK(says(of_length(0.033), "time in ms"));
  CHECK(says(of_length(0.033), "30"));
  CHECK(says(of_length(0.033), "one: makespan 33 ms, bubble 0.0 %"));
  CHECK(says(of_length(33e-6), "time in us"));
  CHECK(says(of_length(33e-6), "30"));
  const auto units = read_xml(picture_of({testing::unit_timeline<one_f_one_b>({4, 8, 1})}, {.unit = time_unit::unit}));
  CHECK(says(units, "time in units"));
  CHECK(says(units, "predicted: makespan 33 units, bubble 27.3 %, peak 4 chunks alive"));
}

TEST_CASE("names are escaped, and stand beside their lanes") {
  timeline step = testing::two_ranks();
  step.name = "a < b & \"c\"";
  step.rank_names = {"<script>", "rank 1 {data 0, tensor 0, pipeline 1}"};
  const std::string picture = picture_of({step}, {.title = "1 < 2 & 'three'"});
  CHECK(picture.find("<script>") == std::string::npos);
  const auto elements = read_xml(picture);
  CHECK(says(elements, "&lt;script&gt;"));
  CHECK(says(elements, "rank 1 {data 0, tensor 0, pipeline 1}"));
  CHECK(says(elements, "1 &lt; 2 &amp; &#39;three&#39;"));
}

TEST_CASE("a picture refers to nothing outside itself, and to nothing that it does not define") {
  const std::string picture = picture_of({testing::two_ranks(), testing::unit_timeline<interleaved<4>>({2, 4, 4})});
  for (const char* word : {"href", "<script", "<image", "<style", "@import", "<foreignObject", "<!", "<?", "data:"})
    CHECK(picture.find(word) == std::string::npos);
  const std::size_t space = picture.find("http");
  CHECK(picture.substr(space).starts_with("http://www.w3.org/2000/svg\""));  // the name of the language
  CHECK(picture.find("http", space + 1) == std::string::npos);
  std::set<std::string> defined;
  const auto elements = read_xml(picture);
  for (const element& one : elements)
    if (const auto id = one.attributes.find("id"); id != one.attributes.end()) CHECK(defined.insert(id->second).second);
  CHECK(defined.count("plait-legend") == 1);
  for (std::size_t at = picture.find("url("); at != std::string::npos; at = picture.find("url(", at + 1)) {
    const std::string name = picture.substr(at + 5, picture.find(')', at) - at - 5);
    CHECK(defined.count(name) == 1);
  }
}

TEST_CASE("nothing to draw is drawn as nothing, and what cannot be drawn is refused") {
  read_xml(picture_of({}));
  read_xml(picture_of({timeline{.name = "empty", .ranks = 3}}));
  timeline step{.name = "bad", .ranks = 1, .rows = {{.kind = op::forward, .begin = 2, .end = 1}}};
  CHECK_THROWS_AS(picture_of({step}), error);
}

TEST_CASE("a picture is saved to a file, and a file that cannot be written is an io error") {
  const std::vector steps{testing::two_ranks()};
  const std::string file = "plait_test_picture.svg";
  save_svg(file, steps);
  std::ifstream in{file};
  CHECK(std::string{std::istreambuf_iterator<char>{in}, {}} == picture_of(steps));
  std::remove(file.c_str());
  CHECK_THROWS_WITH_AS(save_svg("no_such_folder/picture.svg", steps),
                       doctest::Contains("cannot write no_such_folder/picture.svg: No such file"), error);
}

}  // namespace
