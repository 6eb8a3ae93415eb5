// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The version of plait (semantic versioning), usable in `#if`. CMakeLists.txt reads it from here.
#define PLAIT_VERSION_MAJOR 0
#define PLAIT_VERSION_MINOR 1
#define PLAIT_VERSION_PATCH 0
