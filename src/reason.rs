//! Why the gateway itself answered (or closed) instead of a server: one closed list.
//!
//! Adding a reason does not compile until [`Reason::status`], [`Reason::code`] and [`Reason::message`] know it; the log, the
//! metrics and every error page are made from these three.
//!
//! ```
//! use portcullis::reason::Reason;
//! assert_eq!(Reason::HeadTooLarge.status(), Some(431));
//! assert_eq!(Reason::HeadTooLarge.code(), "head_too_large");
//! ```

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident $code:literal $status:expr, $message:literal;)+) => {
        /// Why the gateway answered by itself. The text form is a stable word for logs and metrics.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason { $($(#[doc = $doc])+ $name,)+ }

        impl Reason {
            /// Every reason, in the order of the table: metrics prepare one counter for each.
            pub const ALL: &'static [Reason] = &[$(Reason::$name,)+];

            /// The stable word that logs and metrics use.
            pub fn code(self) -> &'static str {
                match self { $(Reason::$name => $code,)+ }
            }

            /// The status the client sees; `None` where the connection is closed without an answer.
            pub fn status(self) -> Option<u16> {
                match self { $(Reason::$name => $status,)+ }
            }

            /// One sentence for the client. It never repeats anything the client sent.
            pub fn message(self) -> &'static str {
                match self { $(Reason::$name => $message,)+ }
            }
        }
    };
}

impl Reason {
    /// Whether a limit of the file was exceeded, and nothing is wrong with the request itself.
    pub fn is_limit(self) -> bool {
        use Reason::*;
        matches!(
            self,
            Banned | NewConnections | Connections | RequestRate | RequestsInFlight | Interactions
        )
    }

    /// Whether it is said of a request head that has not become a request.
    pub fn is_of_head(self) -> bool {
        use Reason::*;
        matches!(
            self,
            HeadTimeout
                | HeadTooLarge
                | TooManyFields
                | MalformedHead
                | AmbiguousLength
                | TransferCoding
                | BadHost
                | MethodNotAllowed
                | Version
        )
    }

    /// Whether it is said of a server that could not be asked, or did not answer as it should.
    pub fn is_of_server(self) -> bool {
        use Reason::*;
        matches!(
            self,
            UpstreamUnresolved | UpstreamConnect | UpstreamTls | UpstreamTimeout | UpstreamBroken
        )
    }

    /// Whether many of them lead to a ban: what a client does, not what a server, the gateway or all clients together did, and not
    /// what browsers do by themselves (idle connections, a connection reused for another host, files that are not there, going away).
    pub fn leads_to_ban(self) -> bool {
        use Reason::*;
        !matches!(
            self,
            Banned
                | Interactions
                | Misdirected
                | IdleConnection
                | RedirectToHttps
                | FileMissing
                | FilePrecondition
                | FileRange
                | FileDisk
                | UpstreamUnresolved
                | UpstreamConnect
                | UpstreamTls
                | UpstreamTimeout
                | UpstreamBroken
                | ClientGone
                | Internal
        )
    }
}

reasons! {
    // --- limits per client address
    /// The address is banned: too many refusals, or an operator's word. At accept the connection is closed without an answer.
    Banned "banned" Some(429), "This address is shut out for a while.";
    /// More new connections than `limits.new_connections`.
    NewConnections "new_connections" None, "Too many new connections.";
    /// More open connections than `limits.connections`.
    Connections "connections" None, "Too many connections.";
    /// More requests than `limits.requests`, or than those of the kind or route.
    RequestRate "request_rate" Some(429), "Too many requests.";
    /// More requests at the same time than `limits.requests_in_flight`, or than those of the kind or route.
    RequestsInFlight "requests_in_flight" Some(429), "Too many requests at the same time.";
    /// More chats or callbacks than `limits.interactions` allows.
    Interactions "interactions" Some(429), "Too many chats or callbacks.";
    // --- front door: before a request exists
    /// The PROXY protocol header was missing, malformed or late.
    ProxyProtocol "proxy_protocol" None, "The PROXY protocol header is missing or malformed.";
    /// The TLS handshake failed or did not finish in time.
    TlsHandshake "tls_handshake" None, "The TLS handshake failed.";
    /// The server name in the handshake is not one of ours, or none was sent where one is required.
    UnknownSni "unknown_sni" None, "The server name is not known here.";
    /// Nothing arrived on a new or kept-alive connection within its idle time.
    IdleConnection "idle_connection" None, "The connection was idle for too long.";
    /// The request head did not arrive whole within its deadline.
    HeadTimeout "head_timeout" Some(408), "The request head did not arrive in time.";
    /// The HTTP/2 connection preface did not arrive in time.
    PrefaceTimeout "preface_timeout" None, "The HTTP/2 preface did not arrive in time.";
    /// An HTTP/2 client reset more streams than a connection may.
    Http2Resets "http2_resets" None, "Too many streams were reset.";
    /// An HTTP/2 client sent more frames that carry nothing than its requests and our answers explain.
    Http2Flood "http2_flood" None, "Too many frames.";
    /// An HTTP/2 client broke RFC 9113 so that the connection could not go on.
    Http2Protocol "http2_protocol" None, "The connection broke the rules of HTTP/2.";
    /// The request head is larger than `limits.request_head.size`.
    HeadTooLarge "head_too_large" Some(431), "The request head is too large.";
    /// The request head has more fields than `limits.request_head.fields`.
    TooManyFields "too_many_fields" Some(431), "The request head has too many fields.";
    // --- strict framing
    /// The request line or a header line breaks RFC 9112's grammar, or could be read two ways.
    MalformedHead "malformed_head" Some(400), "The request head is malformed.";
    /// The message length is stated twice or in contradiction (Content-Length, Transfer-Encoding).
    AmbiguousLength "ambiguous_length" Some(400), "The length of the request body is ambiguous.";
    /// A transfer coding other than exactly `chunked`.
    TransferCoding "transfer_coding" Some(501), "The transfer coding is not supported.";
    /// No Host, several, or one that is not a host.
    BadHost "bad_host" Some(400), "The Host of the request is missing or malformed.";
    /// A method that is not on the list.
    MethodNotAllowed "method_not_allowed" Some(405), "The method is not allowed here.";
    /// A protocol version other than HTTP/1.0, HTTP/1.1 and HTTP/2.
    Version "version" Some(505), "The HTTP version is not supported.";
    // --- routing
    /// The host is not in the host map.
    UnknownHost "unknown_host" Some(404), "There is nothing here.";
    /// SNI and Host name different hosts of ours.
    Misdirected "misdirected" Some(421), "This connection is for another host.";
    /// No route of this host matches the path.
    UnknownPath "unknown_path" Some(404), "There is nothing here.";
    /// The kind of server behind the route does not expose this path.
    NotExposed "not_exposed" Some(404), "There is nothing here.";
    /// `{server}` in the path names a server that the route does not list.
    UnknownServer "unknown_server" Some(404), "There is nothing here.";
    /// Servers could read the path in different ways, and not all of them are allowed.
    AmbiguousPath "ambiguous_path" Some(400), "The path of the request is ambiguous.";
    /// A plain listener that only redirects.
    RedirectToHttps "redirect_to_https" Some(308), "This address is served over https.";
    // --- bodies
    /// The request body is larger than the limit of the route.
    BodyTooLarge "body_too_large" Some(413), "The request body is too large.";
    /// The chunks of the request body break RFC 9112's grammar, or could be read two ways.
    MalformedBody "malformed_body" Some(400), "The request body is malformed.";
    /// The request body stopped arriving.
    BodyTimeout "body_timeout" Some(408), "The request body did not arrive in time.";
    /// The request body arrived slower than `limits.request_body.rate`.
    BodyTooSlow "body_too_slow" Some(408), "The request body arrived too slowly.";
    /// The client took its answer too slowly, or not at all.
    SlowReader "slow_reader" None, "The answer was taken too slowly.";
    // --- files
    /// The path names no file: it is malformed, or could be read in two ways.
    FilePath "file_path" Some(400), "The path of the request is ambiguous.";
    /// A dot-file, a backup, a setting or a program source: there, but for nobody.
    FileHidden "file_hidden" Some(404), "There is nothing here.";
    /// There is no such file, or it may not be read, or a link leads out of the folder.
    FileMissing "file_missing" Some(404), "There is nothing here.";
    /// `If-Match` or `If-Unmodified-Since` does not hold.
    FilePrecondition "file_precondition" Some(412), "The file is not the one that the request is about.";
    /// The range begins behind the end of the file.
    FileRange "file_range" Some(416), "The file has no such part.";
    /// The disk failed, or the file became shorter while it was sent.
    FileDisk "file_disk" Some(500), "The file could not be read.";
    // --- upstream
    /// The name of the server could not be resolved yet.
    UpstreamUnresolved "upstream_unresolved" Some(502), "The server could not be reached.";
    /// The connection to the server failed.
    UpstreamConnect "upstream_connect" Some(502), "The server could not be reached.";
    /// The TLS handshake with the server failed, or its certificate does not verify.
    UpstreamTls "upstream_tls" Some(502), "The server could not be reached.";
    /// The server did not answer in time.
    UpstreamTimeout "upstream_timeout" Some(504), "The server did not answer in time.";
    /// The server closed or broke the connection, or its answer was malformed.
    UpstreamBroken "upstream_broken" Some(502), "The server broke off its answer.";
    /// The client went away before the answer was complete.
    ClientGone "client_gone" None, "The client went away.";
    /// The gateway is at fault. Every one of these is a bug.
    Internal "internal" Some(500), "The gateway failed.";
}
