//! The placement protocol, explored in every state that crashes, repeats and failovers can bring about; and what it
//! comes to when any one of its rules is left out. And a single order's moves against a bookkeeper's.

#![cfg(test)]
#![expect(clippy::print_stdout, reason = "these tests print how much they explored and what they found")]

mod lifecycle;
mod placement;
mod protocol;
