//! The answer to serverConfiguration: what this server can do, which a page must ask before it starts anything.
//!
//! ```
//! use loadtest::webtools::{Site, server_configuration};
//! let list = server_configuration(&Site::default());
//! assert_eq!(list[0]["serverConfiguration"]["cfgVer"], 1);
//! ```

use serde_json::{Map, Value, json};

use super::params::AccessControl;
use super::site::Site;

/// The configuration, as the list of one that the JSON dialect has.
pub fn server_configuration(site: &Site) -> Value {
    let parameters = &site.parameters;
    let mut common = vec!["supportRegistration"];
    let mut capabilities = Map::new();
    if parameters.problem_reports {
        common.push("problemReport");
    }
    capabilities.insert("common".into(), json!(common));
    let chat = [
        "start",
        "reconnect",
        "poll",
        "setTypingState",
        "sendMessage",
        "exit",
        "transcript",
    ];
    capabilities.insert("chat".into(), with_access(&chat, parameters.chat_access));
    let callback = ["create", "status", "reconnect", "disconnect"];
    capabilities.insert(
        "callback".into(),
        with_access(&callback, parameters.callback_access),
    );
    capabilities.insert(
        "queueQuery".into(),
        with_access(&["query"], parameters.queue_access),
    );

    let mut configuration = Map::new();
    configuration.insert("cfgVer".into(), site.cfg_ver.into());
    configuration.insert("capabilities".into(), Value::Object(capabilities));
    if parameters.problem_reports {
        let expression = parameters.problem_report_expression.as_str();
        configuration.insert("problemReportRegEx".into(), expression.into());
    }
    json!([{ "serverConfiguration": configuration }])
}

/// A feature that nobody may use is not listed at all.
fn with_access(operations: &[&str], access: AccessControl) -> Value {
    if access == AccessControl::Block {
        return json!([]);
    }
    let mut list = operations.to_vec();
    if access.admits(true) {
        list.push("supportAuthenticationAnonymous");
    }
    if access.admits(false) {
        list.push("supportAuthenticationTracker");
    }
    json!(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_reconnects_are_listed_so_that_a_page_accepts_the_server_for_fail_over() {
        let list = server_configuration(&Site::default());
        let capabilities = &list[0]["serverConfiguration"]["capabilities"];
        for kind in ["chat", "callback"] {
            assert!(
                capabilities[kind]
                    .as_array()
                    .unwrap()
                    .contains(&json!("reconnect")),
                "{kind}"
            );
        }
    }

    #[test]
    fn access_control_and_problem_reports_show() {
        let mut site = Site::default();
        site.parameters.set("ChatAccessControl", "2").unwrap();
        site.parameters
            .set("AllowClientProblemReport", "1")
            .unwrap();
        site.parameters
            .set("ProblemReportControlExpression", "Chrome")
            .unwrap();
        let list = server_configuration(&site);
        let configuration = &list[0]["serverConfiguration"];
        let chat = configuration["capabilities"]["chat"].to_string();
        assert!(chat.contains("Tracker") && !chat.contains("Anonymous"));
        assert_eq!(configuration["problemReportRegEx"], "Chrome");
    }
}
