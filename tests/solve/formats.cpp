// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/solve/formats.hpp>
#include <plait/solve/simplex.hpp>

#include <doctest/doctest.h>

#include "feed_formats.hpp"
#include "made.hpp"

namespace {

using namespace plait;

/// The sentence of the error that a text gives.
template <class Read>
std::string refusal(Read&& read) {
  try {
    read();
  } catch (const error& e) {
    CHECK(e.kind() == error_kind::io);
    return e.sentence();
  }
  return "";
}
std::string mps_refusal(std::string_view text, mps_format format = mps_format::automatic) {
  return refusal([&] { parse_mps(text, "t", format); });
}
std::string lp_refusal(std::string_view text) {
  return refusal([&] { parse_lp(text, "t"); });
}
bool says(const std::string& sentence, const std::string& words) {
  const bool found = sentence.find(words) != std::string::npos;
  if (!found) MESSAGE("said: " << sentence);
  return found;
}

void same_model(const lp& a, const lp& b) {
  REQUIRE(a.rows() == b.rows());
  REQUIRE(a.columns() == b.columns());
  CHECK(a.sense() == b.sense());
  CHECK(a.offset() == b.offset());
  CHECK(a.costs() == b.costs());
  CHECK(a.column_lowers() == b.column_lowers());
  CHECK(a.column_uppers() == b.column_uppers());
  CHECK(a.row_lowers() == b.row_lowers());
  for (int i = 0; i < a.rows(); ++i) {
    // MPS says a range by its length, which rounds.
    if (a.row_upper(i) != b.row_upper(i)) CHECK(a.row_upper(i) == doctest::Approx(b.row_upper(i)).epsilon(1e-14));
    CHECK(a.row_name(i) == b.row_name(i));
  }
  sparse_matrix x, y;
  transpose(a.matrix(), x);
  transpose(b.matrix(), y);
  CHECK(x == y);
  for (int j = 0; j < a.columns(); ++j) {
    CHECK(a.is_integer(j) == b.is_integer(j));
    CHECK(a.column_name(j) == b.column_name(j));
  }
}

/// With every kind of bound.
lp all_kinds() {
  lp model;
  model.set_sense(objective_sense::maximize);
  model.set_offset(-2.5);
  const double bounds[][2] = {{0, infinity}, {-infinity, infinity}, {-infinity, 4}, {-infinity, -4}, {1, 3},
                              {2, 2},        {-1, infinity},        {0, 7},         {-5, -2},        {0, 1}};
  int k = 0;
  for (const auto& b : bounds) {
    model.add_column(0.1 * k - 0.3, b[0], b[1]);
    model.set_column_name(k, std::string{"col"} + std::to_string(k));
    ++k;
  }
  model.set_integer(4);
  model.set_integer(0);
  model.set_integer(9);
  const double sides[][2] = {{1, 1}, {-infinity, 2}, {-3, infinity}, {-1, 5}, {-infinity, infinity}, {0, 0}};
  k = 0;
  for (const auto& s : sides) {
    const lp_entry row[] = {{k, 1.5}, {(k + 3) % 10, -1.0 / 3}};
    model.add_row(s[0], s[1], row);
    model.set_row_name(k, std::string{"row"} + std::to_string(k));
    ++k;
  }
  return model;
}

constexpr std::string_view head =
    "NAME T\nROWS\n N cost\n L l\n G g\n E e\n E f\n N other\nCOLUMNS\n x cost 1 l 1\n x g 1 e 1\n"
    " x f 1 other 5\n y cost 2 l 1\n";

std::string with(std::string_view rest) {
  return std::string{head}.append(rest).append("ENDATA\n");
}

}  // namespace

TEST_CASE("MPS: ranges on every kind of row, and the right-hand side of the objective, mean what the format says") {
  const lp model = parse_mps(with("RHS\n cost 3 l 10\n R g 10 e 10\n"), "t", mps_format::free).model;
  CHECK(model.rows() == 4);
  CHECK(model.offset() == -3);
  const lp ranged =
      parse_mps(with("RHS\n R l 10 g 10\n R e 10 f 10\nRANGES\n R l -4 g 4\n R e 4 f -4\n"), "t", mps_format::free)
          .model;
  CHECK(ranged.row_lower(0) == 6);
  CHECK(ranged.row_upper(0) == 10);
  CHECK(ranged.row_lower(1) == 10);
  CHECK(ranged.row_upper(1) == 14);
  CHECK(ranged.row_lower(2) == 10);
  CHECK(ranged.row_upper(2) == 14);
  CHECK(ranged.row_lower(3) == 6);
  CHECK(ranged.row_upper(3) == 10);
}

TEST_CASE("MPS: bounds of every kind, negative upper bounds, markers and sets mean what the format says") {
  const auto bound = [](const std::string& lines) {
    const lp model = parse_mps(with("BOUNDS\n" + lines), "t").model;
    return std::pair{model.column_lower(0), model.column_upper(0)};
  };
  using pair = std::pair<double, double>;
  CHECK(bound(" UP B x 4\n") == pair{0, 4});
  CHECK(bound(" UP B x -4\n") == pair{-infinity, -4});
  CHECK(bound(" LO B x -9\n UP B x -4\n") == pair{-9, -4});
  CHECK(bound(" UP B x 0\n") == pair{0, 0});
  CHECK(bound(" LO B x 1\n") == pair{1, infinity});
  CHECK(bound(" FX B x 1\n") == pair{1, 1});
  CHECK(bound(" FR B x\n") == pair{-infinity, infinity});
  CHECK(bound(" MI B x\n UP B x 3\n") == pair{-infinity, 3});
  CHECK(bound(" UP B x 3\n PL B x\n") == pair{0, infinity});
  CHECK(bound(" BV B x\n") == pair{0, 1});
  CHECK(bound(" UP x 4\n") == pair{0, 4});  // no name of a set
  CHECK(bound(" UP B x 1e30\n") == pair{0, infinity});
  CHECK(bound(" UP B x 4\n UP C x 5\n") == pair{0, 4});  // only the first set
  CHECK(parse_mps(with("BOUNDS\n UI B x 4\n"), "t").model.is_integer(0));
  const auto marked = parse_mps(
      "NAME\nROWS\n N c\n L l\nCOLUMNS\n M 'MARKER' 'INTORG'\n x c 1 l 1\n y c 1 l 1\n M2 'MARKER' "
      "'INTEND'\n z l 1\nBOUNDS\n PL B y\nENDATA\n",
      "t");
  CHECK(marked.model.is_integer(0));
  CHECK_FALSE(marked.model.is_integer(2));
  CHECK(marked.model.column_upper(0) == 1);
  CHECK(marked.model.column_upper(1) == infinity);
  const auto noted = parse_mps(with("BOUNDS\n UP B x -4\n"), "t");
  REQUIRE(noted.notes.size() == 2);  // a further N row, and the negative bound
  CHECK(says(noted.notes[0], "line 8"));
  CHECK(says(noted.notes[1], "none below"));
  CHECK(parse_mps("NAME\nOBJSENSE\n MAX\nROWS\n N c\nCOLUMNS\n x c 1\nENDATA\n", "t").model.sense() ==
        objective_sense::maximize);
}

TEST_CASE("MPS: names with blanks need the fixed format, which is found by itself; line ends may be CR LF") {
  const std::string fixed =
      "NAME          BLANKS\r\nROWS\r\n N  THE COST\r\n L  A ROW\r\nCOLUMNS\r\n"
      "    X 1       THE COST           -1.   A ROW              2.\r\n"
      "RHS\r\n    RHS       A ROW              10.\r\nENDATA\r\n";
  const lp model = parse_mps(fixed, "t").model;
  CHECK(model.column_name(0) == "X 1");
  CHECK(model.cost(0) == -1);
  CHECK(model.row_upper(0) == 10);
  CHECK(solve(model).objective == -5);
  CHECK(says(mps_refusal(fixed, mps_format::free), "line 3"));
}

TEST_CASE("MPS: what is not a linear program is refused with its line and a sentence") {
  CHECK(says(mps_refusal(with("BOUNDS\n UP B q 4\n"), mps_format::free), "line 15: there is no column 'q'"));
  CHECK(says(mps_refusal(with("RHS\n R q 4\n"), mps_format::free), "line 15: there is no row 'q'"));
  CHECK(says(mps_refusal(with("RHS\n R l 4x\n"), mps_format::free), "'4x' is not a number"));
  CHECK(says(mps_refusal(with("RHS\n R l 1e999\n"), mps_format::free), "not a number"));
  CHECK(says(mps_refusal(with("RHS\n R l nan\n"), mps_format::free), "not a number"));
  CHECK(says(mps_refusal(with("RHS\n R l 1 l 2\n"), mps_format::free), "twice"));
  CHECK(says(mps_refusal(with("BOUNDS\n SC B x 4\n"), mps_format::free), "'SC' is none that is known"));
  CHECK(says(mps_refusal(with("QUADOBJ\n x x 4\n"), mps_format::free), "no section 'QUADOBJ'"));
  CHECK(says(mps_refusal(with(" x l 4\n"), mps_format::free), "twice"));
  CHECK(says(mps_refusal(with(" z l 4 l 5\n"), mps_format::free), "has row 'l' twice"));
  CHECK(says(mps_refusal(std::string{head}, mps_format::free), "without ENDATA"));
  CHECK(says(mps_refusal("", mps_format::free), "without ENDATA"));
  CHECK(says(mps_refusal("NAME\nROWS\n N c\n L l\n L l\nENDATA\n", mps_format::free), "line 5: row 'l' comes twice"));
  CHECK(says(mps_refusal("NAME\nROWS\n X c\nENDATA\n", mps_format::free), "N, L, G or E"));
  CHECK(says(refusal([] { read_mps("there/is/no/such.mps"); }), "cannot be opened"));
}

TEST_CASE("MPS: what is said twice or too late is refused, and what is a matter of convention is noted") {
  const std::string before = "NAME\nOBJNAME\n other\nROWS\n N c\n N other\n L l\n";
  const std::string after = "COLUMNS\n x c 1 other 5\n x l 1\nENDATA\n";
  const auto named = parse_mps(before + after, "t");
  CHECK(named.model.cost(0) == 5);
  CHECK(named.model.objective_name() == "other");
  const std::string late = "NAME\nROWS\n N c\n N other\n L l\n";
  CHECK(says(mps_refusal(late + "OBJNAME\n other\n" + after), "line 7: OBJNAME comes after ROWS"));
  CHECK(says(mps_refusal(late + "OBJNAME other\n" + after), "line 6: OBJNAME comes after ROWS"));
  CHECK(says(mps_refusal("NAME\nOBJNAME\n a\n b\nROWS\n N a\n" + after), "line 4: OBJNAME names two rows"));
  CHECK(says(mps_refusal("NAME\nOBJSENSE\n MAX\n MIN\nROWS\n N c\n" + after), "line 4: OBJSENSE says both"));
  CHECK(says(mps_refusal(with("RHS\n R cost 3 cost 5\n")), "line 15: the objective 'cost' has its right-hand side"));

  const auto bounds = [](const std::string& lines) { return mps_refusal(with("BOUNDS\n" + lines)); };
  CHECK(says(bounds(" UP B x 3\n UP B x 5\n"), "line 16: column 'x' has its upper bound twice"));
  CHECK(says(bounds(" LO B x 3\n LI B x 2\n"), "line 16: column 'x' has its lower bound twice"));
  CHECK(says(bounds(" FX B x 3\n UP B x 4\n"), "line 16: column 'x' has its upper bound twice"));
  CHECK(says(bounds(" UP B x 3\n BV B x\n"), "upper bound twice"));
  CHECK(bounds(" UP B x 3\n UP B x 3\n LO B x 1\n").empty());
  const auto notes = [](const std::string& rest) {
    auto read = parse_mps(with(rest), "t");
    REQUIRE(read.notes.size() >= 1);  // the first is of the further N row
    read.notes.erase(read.notes.begin());
    return read.notes;
  };
  CHECK(notes("BOUNDS\n UP B x 3\n LO B x 1\n").empty());
  const auto freed = notes("BOUNDS\n UP B x 3\n FR B x\n");
  REQUIRE(freed.size() == 1);
  CHECK(says(freed[0], "line 16: column 'x' has its upper bound twice, of which the last counts"));

  const auto convention =
      notes(" M 'MARKER' 'INTORG'\n u l 1\n v l 1\n w l 1\n M 'MARKER' 'INTEND'\nBOUNDS\n PL B v\n");
  REQUIRE(convention.size() == 1);
  CHECK(says(convention[0], "line 15: column 'u' and 1 more between markers without bounds: 0 or 1 is taken"));
  const auto open = notes(" M 'MARKER' 'INTORG'\n u l 1\nBOUNDS\n UP B u 4\n");
  REQUIRE(open.size() == 1);
  CHECK(says(open[0], "line 14: the marker 'INTORG' has no 'INTEND'"));
  const auto idle = notes(" M 'MARKER' 'INTEND'\n u l 1\n");
  REQUIRE(idle.size() == 1);
  CHECK(says(idle[0], "line 14: the marker 'INTEND' changes nothing"));
  CHECK(says(parse_mps(with("") + "\n* a comment\nROWS\n", "t").notes.back(),
             "line 17: what follows ENDATA is left out"));
  CHECK(notes("\n").empty());
}

TEST_CASE("MPS: a right-hand side that leaves no value is refused with its line, an empty text on line 1") {
  CHECK(says(mps_refusal(with("RHS\n R g 1e30\n")), "t line 15: the right-hand side leaves no value for row 'g'"));
  CHECK(says(mps_refusal(with("RHS\n R l 1\n R l -1e30\n")), "twice"));
  CHECK(says(mps_refusal(with("RHS\n R g 1\n R l -1e30\n")), "t line 16: the right-hand side leaves no value"));
  CHECK(says(mps_refusal(with("RHS\n R e -1e31\n")), "leaves no value for row 'e'"));
  CHECK(says(mps_refusal(with("RHS\n R l 1e31\nRANGES\n R l 1\n")), "line 17: the right-hand side leaves no value"));
  CHECK(parse_mps(with("RHS\n R l 1e30\n"), "t").model.row_upper(0) == infinity);
  CHECK(says(mps_refusal(""), "t line 1: the file ends"));
  CHECK(says(refusal([] { parse_basis(lp{}, "", "t"); }), "t line 1: the file ends"));
}

TEST_CASE("MPS: markers of a fixed file may stand in the third and fifth field or where most files have them") {
  for (const char* marker : {"    M 1       'MARKER'                 'INTORG'\n",
                             "    MARKER                 'MARKER'                 'INTORG'\n"}) {
    const std::string text = std::string{"NAME\nROWS\n N  THE COST\n L  A ROW\nCOLUMNS\n"} + marker +
                             "    X 1       THE COST           -1.   A ROW              2.\nENDATA\n";
    CHECK(parse_mps(text, "t").model.is_integer(0));
  }
}

TEST_CASE("MPS: where neither format can be read, the error is of the one that was read further") {
  const std::string fixed =
      "NAME          BLANKS\nROWS\n N  THE COST\n L  A ROW\nCOLUMNS\n"
      "    X 1       THE COST           -1.   A ROW              2.\n";
  CHECK(says(mps_refusal(fixed + "RHS\n    RHS       A ROX              10.\nENDATA\n"),
             "line 8: there is no row 'A ROX'"));
  CHECK(says(mps_refusal(fixed + "RHS\n    RHS       A ROW              1O.\nENDATA\n"),
             "line 8: '1O.' is not a number"));
  CHECK(says(mps_refusal(with("RHS\n R q 4\n")), "line 15: there is no row 'q'"));
}

TEST_CASE("what is written is read back as the same model, in both formats") {
  const lp model = all_kinds();
  same_model(model, parse_mps(mps_text(model), "t").model);
  same_model(model, parse_lp(lp_text(model), "t").model);
  oracle::dice d{71};
  for (int trial = 0; trial < 20; ++trial) {
    const lp one = made::around_optimum(d, 12, 9, 0.4, trial % 2 == 0).model;
    same_model(one, parse_mps(mps_text(one), "t").model);
    same_model(one, parse_lp(lp_text(one), "t").model);
  }
  lp wide = all_kinds();
  wide.set_row_bounds(0, 1e-20, 1);  // 1 - 1e-20 is rounded to 1
  wide.set_cost(0, 1.75e308);
  wide.set_objective_name("gain");
  CHECK(formats::difference(wide, parse_lp(lp_text(wide), "t").model, false).empty());
  CHECK(formats::difference(wide, parse_mps(mps_text(wide), "t").model, true).empty());
  CHECK(parse_lp(lp_text(wide), "t").model.objective_name() == "gain");
  wide.set_objective_name("a b");
  CHECK(parse_lp(lp_text(wide), "t").model.objective_name() == "obj");
  lp blank = all_kinds();
  blank.set_column_name(0, "a b");
  CHECK_THROWS_AS(mps_text(blank), error);
  CHECK_THROWS_AS(lp_text(blank), error);
}

TEST_CASE("a range is written from the side from which it is exact") {
  lp model;
  model.add_column(1, 0, 1);
  const lp_entry entry[] = {{0, 1}};
  model.add_row(0.1, 1e16, entry);
  model.add_row(-1e16, 0.1, entry);
  model.add_row(1, 3, entry);
  const lp again = parse_mps(mps_text(model), "t").model;
  int exact = 0;
  for (int i = 0; i < 3; ++i)
    exact += again.row_lower(i) == model.row_lower(i) && again.row_upper(i) == model.row_upper(i);
  CHECK(exact == 3);
}

TEST_CASE("names that cannot be read back as they are, and equal ones, are not written") {
  for (const char* name : {"sos1", "SOS2", "s.t.", "st.", "St", "semi", "End", "int", "Infinity", "free", "subject",
                           "2x", ".x", "x+y", "a b", "a:", "[x]"}) {
    CAPTURE(name);
    lp column = all_kinds();
    column.set_column_name(3, name);
    CHECK_THROWS_AS(lp_text(column), error);
    lp row = all_kinds();
    row.set_row_name(3, name);
    CHECK_THROWS_AS(lp_text(row), error);
  }
  for (const char* name : {"e1", "max", "to", "x.5", "_", "Frees"}) {
    lp column = all_kinds();
    column.set_column_name(3, name);
    column.set_row_name(3, name);
    formats::round_trip(column);
    CHECK(parse_lp(lp_text(column), "t").model.column_name(3) == name);
  }
  lp columns;
  columns.add_column(1, 0, 1);
  columns.add_column(2, 0, 1);
  columns.set_column_name(0, "x1");  // as column 1 is called where it has no name
  CHECK_THROWS_AS(lp_text(columns), error);
  CHECK_THROWS_AS(mps_text(columns), error);
  lp rows = all_kinds();
  rows.set_row_name(0, "row1");
  CHECK_THROWS_AS(lp_text(rows), error);
  CHECK_THROWS_AS(mps_text(rows), error);
  lp title = all_kinds();
  title.set_name("two\nlines");
  CHECK_THROWS_AS(mps_text(title), error);
}

TEST_CASE("a model without columns is written and read back") {
  lp model;
  const double sides[][2] = {{-1, 5}, {-infinity, 5}, {-1, infinity}, {-infinity, infinity}, {0, 0}, {2, 2}};
  for (const auto& s : sides) model.add_row(s[0], s[1]);
  model.set_offset(-3);
  CHECK(formats::difference(model, parse_lp(lp_text(model), "t").model, false).empty());
  CHECK(formats::difference(model, parse_mps(mps_text(model), "t").model, false).empty());
}

TEST_CASE("LP format: sums, labels, two-sided rows, free and negative bounds, comments and sections") {
  const auto read = parse_lp(
      "\\ a comment\nMaximize\n profit: 3 x + 2y - 0.5 z + 10 \\ and another\n + 0 b\nSubject To\n c1: x + y + z <= "
      "10\n"
      " -2 <= x - y <= 8\n c3: 2 x + 3 x\n - 1e1 y >= -30\n st2: z = 4\nBounds\n x <= 4\n -1 <= y <= 5\n z free\n"
      " -inf <= w <= -3\nGenerals\n x\nBinaries\n b\nEnd\n",
      "t");
  const lp& model = read.model;
  CHECK(model.sense() == objective_sense::maximize);
  CHECK(model.offset() == 10);
  REQUIRE(model.columns() == 5);
  CHECK(model.column_name(2) == "z");
  CHECK(model.column_name(4) == "w");
  CHECK(model.cost(1) == 2);
  CHECK(model.cost(2) == -0.5);
  REQUIRE(model.rows() == 4);
  CHECK(model.row_name(1) == "c2");
  CHECK(model.row_lower(1) == -2);
  CHECK(model.row_upper(1) == 8);
  CHECK(model.coefficient(2, 0) == 5);
  CHECK(model.coefficient(2, 1) == -10);
  CHECK(model.column_upper(0) == 4);
  CHECK(model.column_lower(1) == -1);
  CHECK(model.column_lower(2) == -infinity);
  CHECK(model.column_upper(4) == -3);
  CHECK(model.is_integer(0));
  CHECK(model.is_integer(3));
  CHECK(model.column_upper(3) == 1);
  const auto negative = parse_lp("min\n x\nst\n x >= -9\nbounds\n x <= -2\nend\n", "t");
  CHECK(negative.model.column_lower(0) == -infinity);
  CHECK(negative.notes.size() == 1);
}

TEST_CASE("LP format: what is not a linear program is refused with its line and a sentence") {
  CHECK(says(lp_refusal(""), "Minimize or Maximize"));
  CHECK(says(lp_refusal("min\n x\nst\n x >= 1\n"), "without End"));
  CHECK(says(lp_refusal("min\n x ^ 2\nst\n x >= 1\nend\n"), "quadratic"));
  CHECK(says(lp_refusal("min\n x y\nst\n x >= 1\nend\n"), "line 2: a sign is missing before 'y'"));
  CHECK(says(lp_refusal("min\n x\nst\n x >= y\nend\n"), "number on the right"));
  CHECK(says(lp_refusal("min\n x\nst\n x 1\nend\n"), "sign is missing"));
  CHECK(says(lp_refusal("min\n x\nst\n 5 <= x + y\nend\n"),
             "line 5: a relation is missing before 'end'; a constraint with one"));
  CHECK(says(lp_refusal("min\n x\nst\n a: x >= 1\n a: x <= 2\nend\n"), "row 'a' comes twice"));
  CHECK(says(lp_refusal("min\n x\nst\n x >= 1\nbinaries\n q\nend\n"), "no variable 'q'"));
  CHECK(says(lp_refusal("min\n x\nst\n x >= 1\nsos\n q\nend\n"), "starts no section"));
  CHECK(says(lp_refusal("min\n 1e999 x\nst\n x >= 1\nend\n"), "not a number"));
}

TEST_CASE("LP format: what could be another program is refused or noted") {
  const auto rows = [](const std::string& lines) { return lp_refusal("min\n x\nst\n" + lines + "y >= 0\nend\n"); };
  CHECK(says(rows("2 <= x >= 1\n"), "line 4: of two relations both must be <= or both >="));
  CHECK(says(rows("5 = x <= 3\n"), "line 4: of two relations"));
  CHECK(says(rows("5 >= x = 3\n"), "line 4: of two relations"));
  CHECK(rows("5 >= x >= 3\n").empty());
  CHECK(says(rows("x >= 2 y\n"), "line 4: a constraint has one number on the right"));
  CHECK(says(rows("x >= 3 + y >= 2\n"), "line 4: a constraint has one number on the right"));
  CHECK(rows("a: x >= 3 b: y >= 2\n").empty());
  CHECK(says(rows("x\n>= 1e30\n"), "line 5: the bound leaves no value"));
  CHECK(says(rows("1e308 x + 1e308 x >= 1\n"), "line 4: the sum of these terms is not finite"));
  CHECK(says(rows("x + 1e308\n + 1e308 >= 1\n"), "line 5: the sum of these terms is not finite"));
  CHECK(says(rows("x + 1e30 >= 1\n"), "line 4: without the constants on the left the number is 1e30 or more"));
  CHECK(says(rows("x - 1e29 >= 9.5e29\n"), "line 4: without the constants"));
  CHECK(rows("1e308 x + 1e308 y >= 1\n 1e308 x >= 1\n").empty());
  CHECK(rows("x + 5 <= 1e30\n").empty());
  CHECK(says(lp_refusal("min\n 1e308 x + 1e308\n x\nst\n x >= 1\nend\n"), "line 3: the sum"));
  CHECK(parse_lp("min\n x\nst\n x + 1e29 + y <= 2e29\n y >= 1\nend\n", "t").model.row_upper(0) == 1e29);

  const auto notes = [](const std::string& bounds) {
    return parse_lp("min\n x + y\nst\n x >= -9\n" + bounds + "end\n", "t").notes;
  };
  const auto one_note = [&](const std::string& bounds, const std::string& words) {
    const auto found = notes(bounds);
    REQUIRE(found.size() == 1);
    return says(found[0], words);
  };
  CHECK(one_note("bounds\n x <= 4\n xx <= 5\n", "line 7: column 'xx' has bounds and stands in no sum"));
  CHECK(one_note("bounds\n x <= 4\n x <= 5\n", "line 7: column 'x' has its upper bound twice, of which the last"));
  CHECK(one_note("bounds\n 2 <= x <= 4\n 1 <= x\n", "line 7: column 'x' has its lower bound twice"));
  CHECK(one_note("bounds\n x <= 4\nbin\n x\n", "line 8: column 'x' is 0 or 1, so its wider bounds count for nothing"));
  CHECK(one_note("end\n\nmin\n", "line 7: what follows End is left out"));
  CHECK(notes("bounds\n 1 <= x <= 4\n x <= 4\n y free\n").empty());
  CHECK(notes("bounds\n x = 0\nbin\n x y\n").empty());
  CHECK(says(lp_refusal("min\n x\nst\n x >= 1\nbounds\n x >= 2\nbin\n x\nend\n"), "line 8: column 'x' is 0 or 1, of"));
  const std::string ordered[] = {"bounds\n x = 0\n y <= 7\nbin\n x y\n", "bin\n x y\nbounds\n x = 0\n y <= 7\n"};
  for (const std::string& sections : ordered) {
    const lp model = parse_lp("min\n x + y\nst\n x >= -9\n" + sections + "end\n", "t").model;
    CHECK(model.column_upper(0) == 0);
    CHECK(model.column_upper(1) == 1);
  }
}

TEST_CASE("LP format: rows without labels never take a label, and Subject To may have a colon") {
  const lp model = parse_lp("min\n x\nst\n x >= 1\n c1: x >= 2\n c1_: x >= 3\n x >= 4\nend\n", "t").model;
  REQUIRE(model.rows() == 4);
  CHECK(model.row_name(0) == "c1__");
  CHECK(model.row_name(1) == "c1");
  CHECK(model.row_name(3) == "c4");
  for (const char* words : {"Subject To:", "subject to :", "st:", "such that:", "s.t."}) {
    const lp one = parse_lp(std::string{"min\n x\n"} + words + "\n st: x >= 1\nend\n", "t").model;
    REQUIRE(one.rows() == 1);
    CHECK(one.row_name(0) == "st");
  }
  CHECK(parse_lp("min\n st: x\nst\n x >= 1\nend\n", "t").model.objective_name() == "st");
}

TEST_CASE("a basis that is written is read back, and a bad basis file is refused") {
  oracle::dice d{73};
  for (int trial = 0; trial < 20; ++trial) {
    const lp model = made::around_optimum(d, 15, 10, 0.4, trial % 2 == 0).model;
    const answer found = solve(model);
    const basis read = parse_basis(model, basis_text(model, found.basis), "t");
    const answer again = solve(model, {}, read);
    CHECK(again.iterations == 0);
    CHECK(again.objective == found.objective);
  }
  const lp model = all_kinds();
  const auto refused = [&](std::string_view text) { return refusal([&] { parse_basis(model, text, "t"); }); };
  CHECK(says(refused("NAME\n XU col0 nothing\nENDATA\n"), "line 2: there is no row 'nothing'"));
  CHECK(says(refused("NAME\n UL nothing\nENDATA\n"), "no column 'nothing'"));
  CHECK(says(refused("NAME\n UL col0\n UL col0\nENDATA\n"), "twice"));
  CHECK(says(refused("NAME\n BS col0\nENDATA\n"), "XU or XL"));
  CHECK(says(refused("NAME\n"), "without ENDATA"));
}

TEST_CASE("a basis of a model whose names hold blanks is read back, or not written") {
  lp model = all_kinds();
  model.set_column_name(0, "a b");
  model.set_column_name(1, "a");
  model.set_row_name(0, "b c");
  model.set_row_name(1, "c");
  basis b;
  b.columns.assign(model.columns(), basis_status::lower);
  b.rows.assign(model.rows(), basis_status::basic);
  b.columns[1] = b.columns[2] = basis_status::free;  // the columns without bounds, and without a lower one
  b.columns[2] = b.columns[3] = b.columns[8] = basis_status::upper;
  b.columns[0] = b.columns[4] = basis_status::basic;
  b.rows[0] = basis_status::lower;
  b.rows[1] = basis_status::upper;
  CHECK(parse_basis(model, basis_text(model, b), "t") == b);
  b.columns[1] = basis_status::basic;
  b.columns[4] = basis_status::lower;
  CHECK(parse_basis(model, basis_text(model, b), "t") == b);
  const auto refused = [&](std::string_view text) { return refusal([&] { parse_basis(model, text, "t"); }); };
  CHECK(says(refused("NAME\n XU a b       b c\n XL col4      nothing\nENDATA\n"), "line 3: there is no row 'nothing'"));
  const auto with_name = [&](const char* name) {
    lp other = model;
    other.set_column_name(4, name);
    CHECK_THROWS_AS(basis_text(other, b), error);
  };
  with_name("more than 8");
  with_name(" ahead");
  with_name("a\nb");
  lp twice = model;
  twice.set_column_name(0, "x");
  twice.set_column_name(4, "x");
  CHECK_THROWS_AS(basis_text(twice, b), error);
  CHECK(says(refusal([&] { parse_basis(twice, "NAME\n UL x\nENDATA\n", "t"); }),
             "line 2: there are two of the column 'x'"));
}

TEST_CASE("what a basis brings along from an infeasible or unbounded end is read back, and other comments are none") {
  lp model;
  for (const char* name : {"r 1", "s"}) model.set_row_name(model.add_row(-infinity, 1), name);
  model.add_column(-1, 0, infinity);
  model.add_column(0, 0, infinity, std::vector<lp_entry>{{0, 1.0}});
  model.set_column_name(1, "x y z");
  for (const termination ending : {termination::unbounded, termination::infeasible}) {
    if (ending == termination::infeasible) model.set_row_bounds(0, -infinity, -0.1);
    const answer found = solve(model);
    REQUIRE(found.status == ending);
    const std::string text = basis_text(model, found.basis);
    CAPTURE(text);
    const basis read = parse_basis(model, text, "t");
    CHECK(read == found.basis);
    CHECK((read.farkas.empty() ? read.ray : read.farkas).size() == 2);
  }
  for (const char* other : {"* farkas was a mathematician", "* farkas", "* farkas 1", "* farkas 1 q", "* ray 1e x0",
                            "*farkas 1 s", "* rays 1 x0", "* ray 1x0"}) {
    CAPTURE(other);
    const basis read = parse_basis(model, std::string{"NAME\n"} + other + "\nENDATA\n", "t");
    CHECK(read.farkas.empty());
    CHECK(read.ray.empty());
  }
}

TEST_CASE("a basis that is none of the model is not written") {
  const lp model = all_kinds();
  CHECK_THROWS_AS(basis_text(model, {}), error);
  basis short_of_a_row;
  short_of_a_row.columns.assign(model.columns(), basis_status::lower);
  short_of_a_row.rows.assign(model.rows() - 1, basis_status::basic);
  CHECK_THROWS_AS(basis_text(model, short_of_a_row), error);
  short_of_a_row.rows.push_back(basis_status::basic);
  CHECK(basis_text(model, short_of_a_row) == "NAME\nENDATA\n");
}
