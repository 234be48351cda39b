//! What holds for all bodies: nothing panics, forms and codings make no difference, and the simulated servers are understood.

mod anything;
mod forms;
mod simulated;
