// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Everything that a host compiler takes: the deciding half, and the running half in host memory. Needs nothing but the
/// include path; uses a CBLAS and zlib where PLAIT_USE_CBLAS and PLAIT_USE_ZLIB are defined (CMake target
/// `plait::host`). With nvcc, include <plait/plait.cuh> for the CUDA side as well.
#include <plait/checkpoint/export.hpp>
#include <plait/checkpoint/folder.hpp>
#include <plait/checkpoint/reader.hpp>
#include <plait/comm/communicator.hpp>
#include <plait/comm/serial.hpp>
#include <plait/comm/threads.hpp>
#include <plait/cost/calibrate.hpp>
#include <plait/cost/memory.hpp>
#include <plait/data/batch.hpp>
#include <plait/data/classified_images.hpp>
#include <plait/data/dataset.hpp>
#include <plait/data/fashion_mnist.hpp>
#include <plait/data/in_memory_dataset.hpp>
#include <plait/data/loader.hpp>
#include <plait/data/resident_dataset.hpp>
#include <plait/data/sampler.hpp>
#include <plait/launch/launch_place.hpp>
#include <plait/launch/tcp_exchange.hpp>
#include <plait/layers/activation.hpp>
#include <plait/layers/add_skip.hpp>
#include <plait/layers/bias.hpp>
#include <plait/layers/collective.hpp>
#include <plait/layers/linear.hpp>
#include <plait/layers/softmax_cross_entropy.hpp>
#include <plait/layers/squared_error.hpp>
#include <plait/model/stack.hpp>
#include <plait/optim/adamw.hpp>
#include <plait/optim/sgd.hpp>
#include <plait/plan.hpp>
#include <plait/schedule/orders.hpp>
#include <plait/schedule/simulate_shared.hpp>
#include <plait/timeline/compare.hpp>
#include <plait/timeline/shared.hpp>
#include <plait/timeline/svg.hpp>
#include <plait/timeline/timeline.hpp>
#include <plait/timeline/trace.hpp>
#include <plait/train/checkpoint.hpp>
#include <plait/train/gather.hpp>
#include <plait/train/measured.hpp>
#include <plait/train/run.hpp>
#include <plait/train/trainer.hpp>
