//! The library as its users meet it: over a framework, and through the compiler's messages.

mod concurrency;
mod framework;
mod messages;
mod readme;
