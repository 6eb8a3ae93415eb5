// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace plait {

/// The messages from one rank of a group to another on one channel, which arrive in the order they were sent.
///
/// A communicator that must prepare for its messages has `open_queues(span of message_queue)`: all ranks of the group
/// call it with the same queues before the first message. What a program sends is known before it runs, so the trainer
/// does this; communicators without the call need none.
struct message_queue {
  int sender = 0;
  int receiver = 0;
  int channel = 0;

  friend bool operator==(const message_queue&, const message_queue&) = default;
  friend bool operator<(const message_queue& a, const message_queue& b) {
    if (a.sender != b.sender) return a.sender < b.sender;
    return a.receiver != b.receiver ? a.receiver < b.receiver : a.channel < b.channel;
  }
};

}  // namespace plait
