// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(OMPI_SKIP_MPICXX)
#define OMPI_SKIP_MPICXX 1  // Open MPI's own C++ classes are not used
#endif
#if !defined(MPICH_SKIP_MPICXX)
#define MPICH_SKIP_MPICXX 1
#endif
#include <limits>
#include <mpi.h>
#include <string>

#include <plait/core/error.hpp>
#include <plait/core/require.hpp>
#include <plait/tensor/dtype.hpp>

namespace plait::detail {

/// Throws `comm` with MPI's own words when a call of it has failed.
inline void mpi_check(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int size = 0;
  MPI_Error_string(code, text, &size);
  throw error{error_kind::comm, call, std::string{"failed: "}.append(text)};
}

inline MPI_Datatype mpi_type_of(dtype type) {
  switch (type) {
    case dtype::f32:
      return MPI_FLOAT;
    case dtype::f64:
      return MPI_DOUBLE;
    case dtype::i32:
      return MPI_INT32_T;
    case dtype::i64:
      return MPI_INT64_T;
    case dtype::u64:
      return MPI_UINT64_T;
  }
  return MPI_BYTE;
}

/// MPI counts in int.
inline int mpi_count(std::size_t elements, const char* call) {
  require(elements <= static_cast<std::size_t>(std::numeric_limits<int>::max()), call, [&] {
    return "mpi moves at most 2147483647 elements at once, not " + std::to_string(elements) + "; send them in parts";
  });
  return static_cast<int>(elements);
}

/// MPI in this process: started by the first run that needs it and not by the program, and then ended with the process
/// if the last run ended well. After a failure ending it could wait for a rank that is gone.
class mpi_session {
 public:
  static mpi_session& here() {
    static mpi_session one;
    return one;
  }

  /// Starts MPI, if that is to be done.
  void start() {
    int is = 0;
    mpi_check(MPI_Finalized(&is), "MPI_Finalized");
    require(is == 0, "mpi::run", "MPI has been finalized in this process; no rank can run any more");
    require(!lost_, "mpi::run", "a rank was lost in an earlier run of this process; start the program anew");
    mpi_check(MPI_Initialized(&is), "MPI_Initialized");
    if (is == 0) {
      int level = 0;
      mpi_check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &level), "MPI_Init_thread");
      ours_ = true;
    }
  }
  void begin_run() {
    start();
    well_ = false;
  }
  void ended_well() { well_ = true; }
  void lost() { lost_ = true; }

  mpi_session(const mpi_session&) = delete;
  mpi_session& operator=(const mpi_session&) = delete;

 private:
  mpi_session() = default;
  ~mpi_session() {
    int is = 0;
    if (ours_ && well_ && MPI_Finalized(&is) == MPI_SUCCESS && is == 0) MPI_Finalize();
  }

  bool ours_ = false;
  bool well_ = false;
  bool lost_ = false;
};

}  // namespace plait::detail
