//! The Web Services parameters of a simulated pair: the vendor's names, defaults and units, changeable while it runs.
//!
//! ```
//! use loadtest::webtools::Parameters;
//! let mut parameters = Parameters::default();
//! parameters.set("MaxInteractionsAllowedPerIP", "3").unwrap();
//! assert_eq!(parameters.max_interactions_per_ip, 3);
//! ```

use std::time::Duration;

/// Who may use a feature (Technical Reference, "Access Control").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessControl {
    /// 0: nobody.
    Block,
    /// 1: everybody.
    All,
    /// 2: only visitors with an account.
    Authenticated,
    /// 3: only visitors without one.
    Anonymous,
}

impl AccessControl {
    /// Whether a visitor who gave credentials, or gave none, is let in.
    pub fn admits(self, anonymous: bool) -> bool {
        match self {
            Self::Block => false,
            Self::All => true,
            Self::Authenticated => !anonymous,
            Self::Anonymous => anonymous,
        }
    }
}

/// A burst limit: at most `count` requests in any window of `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burst {
    /// Requests admitted in one window.
    pub count: usize,
    /// Length of the window.
    pub per: Duration,
}

/// All parameters (Technical Reference, "Web Processor Bridge Parameters" and "Denial of Service Parameters").
#[derive(Clone, Debug)]
pub struct Parameters {
    /// MaxInteractionsAllowedPerIP: chats plus callbacks of one visitor address.
    pub max_interactions_per_ip: usize,
    /// TrustedHosts: addresses or names to which the limit per address does not apply.
    pub trusted_hosts: Vec<String>,
    /// MaxInteractionsAllowedPerUnitTime and InteractionsAllowedUnitTime.
    pub interaction_burst: Burst,
    /// MaxChatsAllowedPerUnitTime and ChatsAllowedUnitTime.
    pub chat_burst: Burst,
    /// MaxCallbacksAllowedPerUnitTime and CallbacksAllowedUnitTime.
    pub callback_burst: Burst,
    /// MaxActiveInteractionsAllowed: for chats and for callbacks, each on its own.
    pub max_active_interactions: usize,
    /// MaxActiveChatsAllowed; no default is published.
    pub max_active_chats: Option<usize>,
    /// MaxActiveCallbacksAllowed; no default is published.
    pub max_active_callbacks: Option<usize>,
    /// MaxAnonymousInteractionsAllowed; 0 forbids anonymous visitors.
    pub max_anonymous_interactions: usize,
    /// MaxInteractionsAllowedPerUser: of one registered visitor.
    pub max_interactions_per_user: usize,
    /// MaxAnyInteractionsAllowedPerQueue: of one target queue.
    pub max_interactions_per_queue: usize,
    /// ChatAccessControl.
    pub chat_access: AccessControl,
    /// CallbackAccessControl.
    pub callback_access: AccessControl,
    /// QueryQueueAccessControl.
    pub queue_access: AccessControl,
    /// MaxPollFrequency: what a success suggests as the wait before the next poll.
    pub poll_wait: Duration,
    /// AllowClientProblemReport.
    pub problem_reports: bool,
    /// ProblemReportControlExpression: told to the page, which applies it.
    pub problem_report_expression: String,
    /// SystemName: who speaks the server's own lines.
    pub system_name: String,
    /// EnableIdleTimeout: whether a silent visitor is disconnected although the page polls.
    pub idle_timeout: bool,
    /// PartyIdleTime: silence before the warning.
    pub party_idle: Duration,
    /// PartyIdleGraceTime: silence between the warning and the end.
    pub party_idle_grace: Duration,
    /// How long a page may be silent before its chat is reaped. The vendor says that this happens and names no parameter.
    pub poll_silence: Duration,
    /// How long nobody may ask about a callback before it is given up; `None`: it waits for its agent however long that takes. Not the
    /// vendor's: for tests that have to know when a callback is gone whose page never heard of it.
    pub callback_silence: Option<Duration>,
}

impl Default for Parameters {
    fn default() -> Self {
        let burst = Burst {
            count: 5,
            per: Duration::from_secs(1),
        };
        Self {
            max_interactions_per_ip: 15,
            trusted_hosts: Vec::new(),
            interaction_burst: burst,
            chat_burst: burst,
            callback_burst: burst,
            max_active_interactions: 1500,
            max_active_chats: None,
            max_active_callbacks: None,
            max_anonymous_interactions: 1500,
            max_interactions_per_user: 5,
            max_interactions_per_queue: 1500,
            chat_access: AccessControl::All,
            callback_access: AccessControl::All,
            queue_access: AccessControl::All,
            poll_wait: Duration::from_millis(2000),
            problem_reports: false,
            problem_report_expression: String::new(),
            system_name: "CIC".into(),
            idle_timeout: false,
            party_idle: Duration::from_secs(300),
            party_idle_grace: Duration::from_secs(120),
            poll_silence: Duration::from_secs(60),
            callback_silence: None,
        }
    }
}

/// Why a parameter was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterError {
    /// No parameter has this name.
    Unknown,
    /// The value does not suit the parameter.
    Value,
}

impl Parameters {
    /// Sets one parameter by the vendor's name (case does not matter), as Interaction Administrator would: unit times
    /// are seconds, `MaxPollFrequency` is milliseconds, an empty value takes an optional total away.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), ParameterError> {
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "maxinteractionsallowedperip" => self.max_interactions_per_ip = count(value)?,
            "trustedhosts" => self.trusted_hosts = hosts(value),
            "maxinteractionsallowedperunittime" => self.interaction_burst.count = count(value)?,
            "interactionsallowedunittime" => self.interaction_burst.per = seconds(value)?,
            "maxchatsallowedperunittime" => self.chat_burst.count = count(value)?,
            "chatsallowedunittime" => self.chat_burst.per = seconds(value)?,
            "maxcallbacksallowedperunittime" => self.callback_burst.count = count(value)?,
            "callbacksallowedunittime" => self.callback_burst.per = seconds(value)?,
            "maxactiveinteractionsallowed" => self.max_active_interactions = count(value)?,
            "maxactivechatsallowed" => self.max_active_chats = optional(value)?,
            "maxactivecallbacksallowed" => self.max_active_callbacks = optional(value)?,
            "maxanonymousinteractionsallowed" => self.max_anonymous_interactions = count(value)?,
            "maxinteractionsallowedperuser" => self.max_interactions_per_user = count(value)?,
            "maxanyinteractionsallowedperqueue" => self.max_interactions_per_queue = count(value)?,
            "chataccesscontrol" => self.chat_access = access(value)?,
            "callbackaccesscontrol" => self.callback_access = access(value)?,
            "queryqueueaccesscontrol" => self.queue_access = access(value)?,
            "maxpollfrequency" => {
                self.poll_wait =
                    Duration::from_millis(value.parse().map_err(|_| ParameterError::Value)?);
            }
            "allowclientproblemreport" => self.problem_reports = flag(value)?,
            "problemreportcontrolexpression" => self.problem_report_expression = value.into(),
            "systemname" => self.system_name = value.into(),
            "enableidletimeout" => self.idle_timeout = flag(value)?,
            "partyidletime" => self.party_idle = seconds(value)?,
            "partyidlegracetime" => self.party_idle_grace = seconds(value)?,
            _ => return Err(ParameterError::Unknown),
        }
        Ok(())
    }
}

fn count(value: &str) -> Result<usize, ParameterError> {
    value.parse().map_err(|_| ParameterError::Value)
}

fn optional(value: &str) -> Result<Option<usize>, ParameterError> {
    if value.is_empty() {
        return Ok(None);
    }
    count(value).map(Some)
}

/// Seconds; a fraction is allowed so that a test need not wait for whole ones.
fn seconds(value: &str) -> Result<Duration, ParameterError> {
    let seconds: f64 = value.parse().map_err(|_| ParameterError::Value)?;
    Duration::try_from_secs_f64(seconds).map_err(|_| ParameterError::Value)
}

fn flag(value: &str) -> Result<bool, ParameterError> {
    match value {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err(ParameterError::Value),
    }
}

fn access(value: &str) -> Result<AccessControl, ParameterError> {
    match value {
        "0" => Ok(AccessControl::Block),
        "1" => Ok(AccessControl::All),
        "2" => Ok(AccessControl::Authenticated),
        "3" => Ok(AccessControl::Anonymous),
        _ => Err(ParameterError::Value),
    }
}

fn hosts(value: &str) -> Vec<String> {
    value
        .split(',')
        .map(|host| host.trim().to_ascii_lowercase())
        .filter(|host| !host.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_vendors() {
        let p = Parameters::default();
        assert_eq!(p.max_interactions_per_ip, 15);
        assert_eq!((p.chat_burst.count, p.chat_burst.per.as_secs()), (5, 1));
        assert_eq!(p.max_active_interactions, 1500);
        assert_eq!(p.max_interactions_per_user, 5);
        assert_eq!(p.poll_wait.as_millis(), 2000);
        assert_eq!(p.party_idle.as_secs() + p.party_idle_grace.as_secs(), 420);
        assert!(!p.idle_timeout && !p.problem_reports);
    }

    #[test]
    fn a_parameter_is_set_by_the_vendors_name_in_any_case() {
        let mut p = Parameters::default();
        p.set("trustedHOSTS", " 10.0.0.1 , Kiosk.example ").unwrap();
        p.set("InteractionsAllowedUnitTime", "0.5").unwrap();
        p.set("MaxActiveChatsAllowed", "7").unwrap();
        p.set("ChatAccessControl", "2").unwrap();
        assert_eq!(p.trusted_hosts, ["10.0.0.1", "kiosk.example"]);
        assert_eq!(p.interaction_burst.per.as_millis(), 500);
        assert_eq!(p.max_active_chats, Some(7));
        assert!(!p.chat_access.admits(true) && p.chat_access.admits(false));
    }

    #[test]
    fn a_name_or_a_value_that_means_nothing_is_refused() {
        let mut p = Parameters::default();
        assert_eq!(p.set("MaxEverything", "1"), Err(ParameterError::Unknown));
        for (name, value) in [
            ("MaxInteractionsAllowedPerIP", "many"),
            ("InteractionsAllowedUnitTime", "-1"),
            ("EnableIdleTimeout", "yes"),
            ("ChatAccessControl", "4"),
        ] {
            assert_eq!(p.set(name, value), Err(ParameterError::Value), "{name}");
        }
    }
}
