//! The public API as the code that serves it describes it: what an operation reads is told by the types of its handler's
//! arguments, what it answers stands beside its registration, and a route without either cannot be registered.

pub mod about;
pub mod access;
pub mod described;
pub mod document;
pub mod examples;
pub mod info;
pub mod refusals;
pub mod schemas;
pub mod tidy;

/// What a service is asked with to print its part of the description instead of running.
pub const QUESTION: &str = "--describe-api";

/// Whether the program was started with this question.
pub fn is_wanted() -> bool {
    std::env::args_os().nth(1).is_some_and(|argument| argument == QUESTION)
}
