// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <plait/core/math.hpp>
#include <plait/core/require.hpp>
#include <plait/solve/detail/edition.hpp>
#include <plait/solve/detail/growing_matrix.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/name_list.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/table.hpp>

namespace plait {

/// No bound. Bounds of magnitude 1e30 and more count as none wherever a file or a caller gives them.
inline constexpr double infinity = math::infinity;

enum class objective_sense { minimize, maximize };

/// One entry of a row or column under construction.
struct lp_entry {
  int index = 0;  ///< of the column in a row, of the row in a column
  double value = 0;
};

/// A sparse linear program, or a small integer one:
///
///     minimize or maximize   offset + cost . x
///     subject to             row_lower    <= A x <= row_upper
///                            column_lower <=  x  <= column_upper,   x_j whole for marked j
///
/// Invariants: bounds are never NaN, costs and coefficients are finite, no entry is stored twice and none is zero.
/// A bound pair with lower > upper is kept, and makes the program infeasible. Rows that are added are collected and
/// sorted into the columns when the matrix is next read, so a model built row by row costs as much as one built in
/// bulk; that first reading changes the object, so let it happen before several threads read.
class lp {
 public:
  lp() = default;

  /// Takes over compressed columns as they are. Needs: sizes that agree, indices in range, none twice in a column.
  static lp from_columns(sparse_matrix a, std::span<const double> cost, std::span<const double> column_lower,
                         std::span<const double> column_upper, std::span<const double> row_lower,
                         std::span<const double> row_upper, objective_sense sense = objective_sense::minimize) {
    const auto fits = [](std::span<const double> s, int count) { return static_cast<int>(s.size()) == count; };
    require(fits(cost, a.columns) && fits(column_lower, a.columns) && fits(column_upper, a.columns), "lp::from_columns",
            "costs and column bounds must be as many as the matrix has columns");
    require(fits(row_lower, a.rows) && fits(row_upper, a.rows), "lp::from_columns",
            "row bounds must be as many as the matrix has rows");
    check_columns(a, "lp::from_columns");
    lp model;
    model.sense_ = sense;
    for (int j = 0; j < a.columns; ++j) model.add_column(cost[size(j)], column_lower[size(j)], column_upper[size(j)]);
    for (int i = 0; i < a.rows; ++i) model.add_row(row_lower[size(i)], row_upper[size(i)]);
    model.matrix_.made = std::move(a);
    model.matrix_.drop_zeros();
    return model;
  }

  [[nodiscard]] int rows() const { return row_lower_.size(); }
  [[nodiscard]] int columns() const { return cost_.size(); }
  [[nodiscard]] int entries() const { return matrix().entries(); }
  [[nodiscard]] objective_sense sense() const { return sense_; }
  [[nodiscard]] double offset() const { return offset_; }
  [[nodiscard]] double cost(int column) const { return cost_[column]; }
  [[nodiscard]] double column_lower(int column) const { return lower_[column]; }
  [[nodiscard]] double column_upper(int column) const { return upper_[column]; }
  [[nodiscard]] double row_lower(int row) const { return row_lower_[row]; }
  [[nodiscard]] double row_upper(int row) const { return row_upper_[row]; }
  [[nodiscard]] bool is_integer(int column) const { return column < integer_.size() && integer_[column] != 0; }
  [[nodiscard]] bool has_integers() const {
    for (const char one : integer_)
      if (one != 0) return true;
    return false;
  }
  [[nodiscard]] const table<double>& costs() const { return cost_; }
  [[nodiscard]] const table<double>& column_lowers() const { return lower_; }
  [[nodiscard]] const table<double>& column_uppers() const { return upper_; }
  [[nodiscard]] const table<double>& row_lowers() const { return row_lower_; }
  [[nodiscard]] const table<double>& row_uppers() const { return row_upper_; }

  /// The coefficients by compressed columns. The first call after rows were added sorts them in, O(entries).
  [[nodiscard]] const sparse_matrix& matrix() const {
    settle();
    return matrix_.made;
  }
  /// The same within limits: a request to stop leaves the object as it was.
  [[nodiscard]] const sparse_matrix& matrix(detail::monitor* limits) const {
    settle(limits);
    return matrix_.made;
  }
  /// Whether rows that were added are sorted in.
  [[nodiscard]] bool settled() const { return matrix_.settled(rows(), columns()); }
  /// Of the coefficients: while it is the same, so are they.
  [[nodiscard]] const detail::edition& matrix_edition() const {
    settle();
    return matrix_.made_in;
  }

  /// The coefficient of a column in a row, zero where none is stored. Cost: O(entries of the column).
  [[nodiscard]] double coefficient(int row, int column) const {
    check_row(row, "lp::coefficient");
    check_column(column, "lp::coefficient");
    const sparse_matrix& a = matrix();
    for (int k = a.begin[column]; k < a.begin[column + 1]; ++k)
      if (a.index[k] == row) return a.value[k];
    return 0;
  }

  /// Takes over all coefficients at once. Needs: the model's numbers of rows and columns, and what `from_columns` does.
  void take_matrix(sparse_matrix a) {
    require(a.rows == rows() && a.columns == columns(), "lp::take_matrix",
            "the matrix must have the rows and columns of the model");
    check_columns(a, "lp::take_matrix");
    matrix_.made = std::move(a);
    matrix_.pending.clear();
    matrix_.drop_zeros();
  }

  /// The same without copying, and without a look at the entries, for those who make many matrices: what the model held
  /// is in `a` afterwards, memory to be used again.
  void swap_matrix(sparse_matrix& a, detail::monitor* limits = nullptr) {
    require(a.rows == rows() && a.columns == columns() && a.begin.size() == a.columns + 1, "lp::swap_matrix",
            "the matrix must have the rows and columns of the model");
    std::swap(matrix_.made, a);
    matrix_.pending.clear();
    matrix_.drop_zeros(limits);
  }

  /// A model without rows, columns and names, which keeps its memory.
  void clear() {
    sense_ = objective_sense::minimize;
    offset_ = 0;
    for (table<double>* const one : {&cost_, &lower_, &upper_, &row_lower_, &row_upper_}) one->clear();
    integer_.clear();
    matrix_.clear();
    name_.clear();
    objective_name_.clear();
    column_names_.clear();
    row_names_.clear();
  }

  /// Becomes a copy of another, without its names, within limits: after a request to stop it is empty.
  void copy_unnamed(const lp& other, detail::monitor* limits) {
    clear();
    sparse_matrix copied;
    const sparse_matrix& original = other.matrix(limits);
    copied.rows = original.rows;
    copied.columns = original.columns;
    detail::copy_in_parts(limits, original.begin, copied.begin);
    detail::copy_in_parts(limits, original.index, copied.index);
    detail::copy_in_parts(limits, original.value, copied.value);
    sense_ = other.sense_;
    offset_ = other.offset_;
    cost_ = other.cost_;
    lower_ = other.lower_;
    upper_ = other.upper_;
    row_lower_ = other.row_lower_;
    row_upper_ = other.row_upper_;
    integer_ = other.integer_;
    std::swap(matrix_.made, copied);
    matrix_.made_in = other.matrix_.made_in;
  }

  void set_sense(objective_sense sense) { sense_ = sense; }
  void set_offset(double value) {
    require(is_finite(value), "lp::set_offset", "the constant of the objective must be finite");
    offset_ = value;
  }
  void set_cost(int column, double value) {
    check_column(column, "lp::set_cost");
    require(is_finite(value), "lp::set_cost", "a cost must be finite");
    cost_[column] = value;
  }
  void set_column_bounds(int column, double lower, double upper) {
    check_column(column, "lp::set_column_bounds");
    check_bounds(lower, upper, "lp::set_column_bounds");
    lower_[column] = lower_bound_of(lower);
    upper_[column] = upper_bound_of(upper);
  }
  void set_row_bounds(int row, double lower, double upper) {
    check_row(row, "lp::set_row_bounds");
    check_bounds(lower, upper, "lp::set_row_bounds");
    row_lower_[row] = lower_bound_of(lower);
    row_upper_[row] = upper_bound_of(upper);
  }
  void set_integer(int column, bool whole = true) {
    check_column(column, "lp::set_integer");
    if (integer_.size() <= column) integer_.resize(columns(), 0);
    integer_[column] = whole ? 1 : 0;
  }

  /// A new column behind the others; returns its index. Entries of the same row are added up.
  int add_column(double cost, double lower, double upper, std::span<const lp_entry> entries = {}) {
    require(is_finite(cost), "lp::add_column", "a cost must be finite");
    check_bounds(lower, upper, "lp::add_column");
    const int column = columns();
    for (const lp_entry& e : entries) {
      check_row(e.index, "lp::add_column");
      require(is_finite(e.value), "lp::add_column", "a coefficient must be finite");
    }
    cost_.push_back(cost);
    lower_.push_back(lower_bound_of(lower));
    upper_.push_back(upper_bound_of(upper));
    for (const lp_entry& e : entries) matrix_.pending.push_back({e.index, column, e.value});
    return column;
  }

  /// A new row below the others; returns its index. Entries of the same column are added up.
  int add_row(double lower, double upper, std::span<const lp_entry> entries = {}) {
    check_bounds(lower, upper, "lp::add_row");
    const int row = rows();
    for (const lp_entry& e : entries) {
      check_column(e.index, "lp::add_row");
      require(is_finite(e.value), "lp::add_row", "a coefficient must be finite");
    }
    row_lower_.push_back(lower_bound_of(lower));
    row_upper_.push_back(upper_bound_of(upper));
    for (const lp_entry& e : entries) matrix_.pending.push_back({row, e.index, e.value});
    return row;
  }

  /// Changes one coefficient. Cost: O(entries of the column) where one is stored, else O(entries) at the next reading.
  void set_coefficient(int row, int column, double value) {
    check_row(row, "lp::set_coefficient");
    check_column(column, "lp::set_coefficient");
    require(is_finite(value), "lp::set_coefficient", "a coefficient must be finite");
    const sparse_matrix& a = matrix();
    for (int k = a.begin[column]; k < a.begin[column + 1]; ++k) {
      if (a.index[k] != row) continue;
      matrix_.made.value[k] = value;
      matrix_.made_in.change();
      if (value == 0) matrix_.drop_zeros();
      return;
    }
    if (value != 0) matrix_.pending.push_back({row, column, value});
  }

  /// Removes the rows, or columns, whose mark is not zero; the others keep their order. Cost: O(entries).
  void remove_rows(std::span<const char> marked);
  void remove_columns(std::span<const char> marked);

  // Names are optional; where none was given a column is called x<index> and a row r<index>.
  void set_column_name(int column, std::string_view name) {
    check_column(column, "lp::set_column_name");
    column_names_.set(column, name);
  }
  void set_row_name(int row, std::string_view name) {
    check_row(row, "lp::set_row_name");
    row_names_.set(row, name);
  }
  void set_name(std::string name) { name_ = std::move(name); }
  void set_objective_name(std::string name) { objective_name_ = std::move(name); }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& objective_name() const { return objective_name_; }
  [[nodiscard]] std::string column_name(int column) const { return name_in(column_names_, column, 'x'); }
  [[nodiscard]] std::string row_name(int row) const { return name_in(row_names_, row, 'r'); }

 private:
  static std::size_t size(int count) { return static_cast<std::size_t>(count); }
  static bool is_finite(double v) { return v - v == 0; }
  static void check_columns(const sparse_matrix& a, const char* where) {
    require(a.begin.size() == a.columns + 1 && a.begin[0] == 0 && a.index.size() == a.entries() &&
                a.value.size() == a.entries(),
            where, "begin must hold columns + 1 increasing positions, index and value one entry for each");
    for (int j = 0; j < a.columns; ++j) {  // all of them first: then each is within index and value
      require(a.begin[j] <= a.begin[j + 1], where,
              [&] { return "begin must not decrease, and does so at column " + std::to_string(j); });
    }
    table<int> seen(a.rows, -1);
    for (int j = 0; j < a.columns; ++j) {
      for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
        const int i = a.index[k];
        require(0 <= i && i < a.rows && is_finite(a.value[k]), where,
                [&] { return "column " + std::to_string(j) + " has an entry out of range or not finite"; });
        require(seen[i] != j, where, [&] {
          return "column " + std::to_string(j) + " has row " + std::to_string(i) + " twice; add the entries up";
        });
        seen[i] = j;
      }
    }
  }
  static double lower_bound_of(double v) { return v <= -1e30 ? -infinity : v; }
  static double upper_bound_of(double v) { return v >= 1e30 ? infinity : v; }
  void check_row(int row, std::string_view call) const {
    require(0 <= row && row < rows(), call, [&] {
      return "there is no row " + std::to_string(row) + "; the model has " + std::to_string(rows()) + " rows";
    });
  }
  void check_column(int column, std::string_view call) const {
    require(0 <= column && column < columns(), call, [&] {
      return "there is no column " + std::to_string(column) + "; the model has " + std::to_string(columns()) +
             " columns";
    });
  }
  static void check_bounds(double lower, double upper, std::string_view call) {
    require(lower == lower && upper == upper && lower < 1e30 && upper > -1e30, call,
            "a lower bound is a number or minus infinity, an upper one a number or plus infinity");
  }
  static std::string name_in(const detail::name_list& names, int at, char letter) {
    const std::string_view given = names.of(at);
    return given.empty() ? std::string(1, letter).append(std::to_string(at)) : std::string{given};
  }
  void settle(detail::monitor* limits = nullptr) const {
    if (!settled()) matrix_.merge(rows(), columns(), limits);
  }

  objective_sense sense_ = objective_sense::minimize;
  double offset_ = 0;
  table<double> cost_, lower_, upper_, row_lower_, row_upper_;
  table<char> integer_;
  mutable detail::growing_matrix matrix_;
  std::string name_, objective_name_;
  detail::name_list column_names_, row_names_;
};

inline void lp::remove_rows(std::span<const char> marked) {
  require(static_cast<int>(marked.size()) == rows(), "lp::remove_rows", "there must be one mark for each row");
  settle();
  table<int> renamed(rows(), -1);
  int kept = 0;
  for (int i = 0; i < rows(); ++i) {
    if (marked[size(i)] != 0) continue;
    renamed[i] = kept;
    row_lower_[kept] = row_lower_[i];
    row_upper_[kept] = row_upper_[i];
    row_names_.move(i, kept);
    ++kept;
  }
  row_lower_.resize(kept);
  row_upper_.resize(kept);
  row_names_.shrink(kept);
  matrix_.rename_rows(renamed, kept);
}

inline void lp::remove_columns(std::span<const char> marked) {
  require(static_cast<int>(marked.size()) == columns(), "lp::remove_columns", "there must be one mark for each column");
  settle();
  if (!integer_.empty()) integer_.resize(columns(), 0);
  int kept = 0;
  for (int j = 0; j < columns(); ++j) {
    if (marked[size(j)] != 0) continue;
    cost_[kept] = cost_[j];
    lower_[kept] = lower_[j];
    upper_[kept] = upper_[j];
    if (!integer_.empty()) integer_[kept] = integer_[j];
    column_names_.move(j, kept);
    ++kept;
  }
  matrix_.keep_columns(marked);
  cost_.resize(kept);
  lower_.resize(kept);
  upper_.resize(kept);
  if (!integer_.empty()) integer_.resize(kept);
  column_names_.shrink(kept);
}

}  // namespace plait
