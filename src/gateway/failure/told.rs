//! What Pingora says about an error, fit for a log: bounded, and without what the server sent.
//!
//! ```text
//! Upstream ConnectRefused: connecting to 10.30.0.7:8018: Connection refused (os error 111)
//! ```

use std::fmt;

use pingora_core::{Error, ErrorType};

use crate::observe::line;

/// The longest chain of causes.
const CAUSES: usize = 4;

/// An error for the log.
pub struct Told<'a>(pub &'a Error);

impl fmt::Display for Told<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut error = self.0;
        write!(
            out,
            "{} {}",
            error.esource().as_str(),
            error.etype().as_str()
        )?;
        for _ in 0..CAUSES {
            // SECURITY: with an unreadable head the context is that head, a megabyte of it if the server likes, cookies included.
            if let Some(context) = &error.context
                && *error.etype() != ErrorType::InvalidHTTPHeader
            {
                say(out, context.as_str())?;
            }
            let Some(cause) = &error.cause else {
                return Ok(());
            };
            match cause.downcast_ref::<Box<Error>>() {
                Some(inner) => error = inner,
                None => return say(out, &cause.to_string()),
            }
            say(out, error.etype().as_str())?;
        }
        Ok(())
    }
}

fn say(out: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(out, ": {}", line::Plain(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_sent_is_not_told() {
        let error = Error::because(
            ErrorType::InvalidHTTPHeader,
            "buf: HTTP/1.1 200 OK\r\nSet-Cookie: icws_1=secret\r\n",
            "invalid header name",
        )
        .into_up();
        assert_eq!(
            Told(&error).to_string(),
            "Upstream InvalidHTTPHeader: invalid header name"
        );
    }

    #[test]
    fn an_error_is_one_bounded_line_with_its_causes() {
        let inner = Error::explain(ErrorType::ConnectRefused, "a\nb".repeat(1000));
        let error = Error::because(ErrorType::ConnectError, "outer", inner).into_up();
        let told = Told(&error).to_string();
        assert!(
            told.starts_with(r"Upstream ConnectError: outer: ConnectRefused: a\nba\nb"),
            "{told}"
        );
        assert!(told.len() < 500 && !told.contains('\n'), "{told}");
    }
}
