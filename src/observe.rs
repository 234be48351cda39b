//! What the gateway says about itself.

pub mod line;
pub mod metrics;
pub mod notices;
pub mod refusals;
