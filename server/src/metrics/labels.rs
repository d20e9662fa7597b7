//! The values a label may take: closed sets, so that the number of series is known beforehand.

/// Declares an enum whose variants are label values; one line a variant.
macro_rules! label_values {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($variant:ident => $text:literal, $doc:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        $vis enum $name { $(#[doc = $doc] $variant,)+ }

        impl $name {
            /// Every variant, in order of declaration.
            $vis const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// How many variants there are.
            $vis const COUNT: usize = Self::ALL.len();

            /// The text the label carries.
            $vis const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Position in [`Self::ALL`].
            #[inline]
            $vis const fn index(self) -> usize {
                self as usize
            }
        }
    };
}

/// The same for numbers of the protocol: numbers that have no line share `Other`.
macro_rules! label_codes {
    ($(#[$meta:meta])* enum $name:ident { $($variant:ident = $code:literal => $text:literal;)+ }) => {
        label_values! {
            $(#[$meta])*
            pub(super) enum $name {
                $($variant => $text, $text;)+
                Other => "other", "Every number without a name here.";
            }
        }

        impl $name {
            /// The label for a number.
            #[inline]
            pub(super) const fn of(code: u16) -> Self {
                match code { $($code => Self::$variant,)+ _ => Self::Other }
            }
        }
    };
}

label_values! {
    /// The address family of the client; IPv4 on a dual-stack socket is IPv4.
    pub enum ClientFamily {
        V4 => "4", "IPv4, also mapped into IPv6.";
        V6 => "6", "IPv6.";
    }
}

label_values! {
    /// What came of a NOTIFY message.
    pub enum NotifyResult {
        Acknowledged => "acknowledged", "The server answered that it is told.";
        Refused => "refused", "The server answered with an error.";
        Unanswered => "unanswered", "The server did not answer in time, or could not be reached.";
        NoEndpoint => "no-endpoint", "The parent names nobody who wants to be told (RFC 9859).";
    }
}

label_values! {
    /// What is transferred.
    pub enum TransferKind {
        Axfr => "axfr", "A whole zone.";
        Ixfr => "ixfr", "The difference to an earlier version.";
    }
}

label_values! {
    /// How a zone is served.
    pub enum ZoneState {
        Current => "current", "As its file or its primary has it.";
        Frozen => "frozen", "The same, and an operator has updates refused.";
        Outdated => "outdated", "As it was before: its file cannot be taken.";
        RefreshFails => "refresh-fails", "As it was before: no primary has it at present.";
        NotLoaded => "not-loaded", "Not at all: its file has not been taken yet.";
        NotTransferred => "not-transferred", "Not at all: no primary has given it yet.";
        Expired => "expired", "No more: no primary had it in time.";
    }
}

label_values! {
    /// How a zone transfer ended.
    pub enum TransferResult {
        Complete => "complete", "All of it was sent, or taken.";
        Aborted => "aborted", "The connection ended before, or what came could not be taken.";
    }
}

label_values! {
    /// Where a response comes from.
    pub enum ResponseSource {
        Zone => "zone", "A zone that is served here.";
        BuiltIn => "built-in", "A zone that is built in, such as that of localhost.";
        Cache => "cache", "What was learnt before.";
        Upstream => "upstream", "An upstream that was asked for it.";
        Refused => "refused", "Nowhere: it was refused.";
        Server => "server", "The server itself: errors, and what it says of itself.";
    }
}

label_values! {
    /// A list that says who may ask for what.
    pub enum AccessList {
        Recursion => "recursion.allow", "Who may ask for what the zones do not hold.";
        Transfer => "zones.transfer-to", "Who may transfer a zone.";
        Update => "zones.update", "Who may change a zone.";
    }
}

label_values! {
    /// Why a query to an upstream brought nothing that could be used.
    pub enum UpstreamFailure {
        Timeout => "timeout", "No reply in time.";
        ConnectionRefused => "connection-refused", "Nothing listens there.";
        Unreachable => "unreachable", "The network knows no way.";
        Mismatched => "mismatched", "Replies of another id or question.";
        Unusable => "unusable", "A reply that cannot be read, or holds no answer.";
        Closed => "closed", "The server closed the connection without a reply.";
        HttpStatus => "http-status", "A response of HTTP that is not 200.";
        WrongName => "wrong-name", "A certificate for another name or address.";
        Expired => "expired", "A certificate that has expired.";
        NotValidYet => "not-valid-yet", "A certificate that is not valid yet.";
        UnknownIssuer => "unknown-issuer", "A certificate of an issuer that is not trusted.";
        PinMismatch => "pin-mismatch", "A key that is none of the pinned ones.";
        Certificate => "certificate", "A certificate that cannot be used, or nothing to judge it by.";
        StalledHandshake => "stalled-handshake", "A handshake that was not done in time.";
        Handshake => "handshake", "A handshake that the server ended, or with another protocol.";
        Error => "error", "Another error of the system.";
    }
}

impl UpstreamFailure {
    /// In words, for the log.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Timeout => "no reply in time",
            Self::ConnectionRefused => "nothing listens there",
            Self::Unreachable => "no route, or the network says it is unreachable",
            Self::Mismatched => "its replies do not match the queries",
            Self::Unusable => "its replies cannot be used",
            Self::Closed => "it closes the connection without a reply",
            Self::HttpStatus => "its responses of HTTP have another status than 200",
            Self::WrongName => "its certificate is for another name",
            Self::Expired => "its certificate has expired",
            Self::NotValidYet => "its certificate is not valid yet",
            Self::UnknownIssuer => "the issuer of its certificate is not trusted",
            Self::PinMismatch => "its key is none of the pinned ones",
            Self::Certificate => {
                "its certificate cannot be used, or there are no root certificates to judge it by"
            }
            Self::StalledHandshake => "its handshake is not done in time",
            Self::Handshake => "it ends the handshake, or does not speak the protocol",
            Self::Error => "the system reports an error",
        }
    }
}

label_values! {
    /// How a look-up through a forwarded domain ended.
    pub enum LookupResult {
        Answered => "answered", "An upstream answered.";
        Stale => "stale", "No upstream answered, and a stale answer stood in.";
        Failed => "failed", "No upstream answered.";
    }
}

label_values! {
    /// Who gave the answer to a look-up through a forwarded domain.
    pub enum DomainSource {
        Upstream => "upstream", "An upstream.";
        Iteration => "iteration", "Authoritative servers, for no upstream did.";
    }
}

label_values! {
    /// What is wrong with the signature of a request.
    pub enum TsigReason {
        UnknownKey => "unknown-key", "No key has its name.";
        OtherAlgorithm => "other-algorithm", "The key is of another algorithm.";
        WrongMac => "wrong-mac", "The MAC is not that of the message: another secret.";
        Clock => "clock", "The clocks differ by more than the fudge.";
        ShortMac => "short-mac", "The MAC is shorter than what is accepted for the key.";
        Malformed => "malformed", "The record cannot be read, or stands where none may.";
    }
}

label_values! {
    /// What validation found of an answer from authoritative servers.
    pub enum AnswerSecurity {
        Secure => "secure", "Signed, and all signatures are right.";
        Insecure => "insecure", "Not signed, or not validated.";
        Bogus => "bogus", "A signature is missing or wrong.";
    }
}

label_values! {
    /// The bound that a question ended at.
    pub enum WorkBound {
        Time => "time", "It was worked on for too long.";
        Queries => "queries", "Too many messages or bytes.";
        Depth => "depth", "Addresses of nameservers lead too deep.";
        Aliases => "aliases", "Too many aliases in a row.";
        Validation => "validation", "Too many signatures or hashes.";
        UnderWay => "under-way", "Too many queries to all other servers at a time.";
        Server => "server", "Too many queries to one other server at a time.";
        Lookups => "look-ups", "Too many look-ups at a time.";
        Route => "forwarded-domain", "Too many look-ups at a time through one forwarded domain.";
        Domain => "domain", "Too many look-ups at a time below one domain.";
        Client => "client", "Too many look-ups at a time for one client.";
    }
}

label_values! {
    /// Why a datagram of another server is not believed.
    pub enum SuspiciousReply {
        WrongId => "id", "Another id than that of the query.";
        WrongCase => "case", "The question in other letters than it was sent in.";
        WrongCookie => "cookie", "Without the cookie that it should have, or with a wrong one.";
        Strays => "strays", "Many that are no replies.";
    }
}

label_values! {
    /// Why a query or a reply was dropped: every drop anywhere is counted under one of these.
    pub enum DropReason {
        ShortMessage => "short-message", "Fewer octets than a header.";
        Response => "response", "QR is set: a response, which is never answered.";
        Malformed => "malformed", "No question could be read, so there is nothing to echo in a FORMERR.";
        BadSource => "bad-source", "A source address or port no reply can go to, such as port 0.";
        UnknownDestination => "unknown-destination", "The address that was asked could not be told.";
        TruncatedDatagram => "truncated-datagram", "Longer than the receive buffer.";
        RateLimited => "rate-limited", "Over the rate of its client network.";
        QueueFull => "queue-full", "No room for one more waiting query.";
        TooOld => "too-old", "Waited longer than the client does.";
        ClientGone => "client-gone", "The stream closed before its answer was ready.";
        SendFailed => "send-failed", "The kernel did not take the reply.";
        ProxyHeader => "proxy-header", "A proxy sent no header that can be read, or another host sent one.";
        Panic => "panic", "Its work panicked.";
    }
}

label_values! {
    /// What the cache did for a query.
    pub enum CacheEvent {
        Hit => "hit", "Answered, within the TTL.";
        Miss => "miss", "Nothing to answer with within the TTL.";
        Stale => "stale", "Answered past the TTL (RFC 8767); a miss as well.";
        Prefetch => "prefetch", "Asked for again ahead of expiry; the query is a hit as well.";
    }
}

label_values! {
    /// Why a stream connection was closed right after it was accepted.
    pub enum RefuseReason {
        Total => "total", "The limit on all connections is reached.";
        Client => "client", "The limit on connections of one client is reached.";
        NotAllowed => "not-allowed", "Access rules.";
        Descriptors => "descriptors", "The process is out of file descriptors, or the system of memory.";
    }
}

label_values! {
    /// What a connection did that was ended to make room for another.
    pub enum DisplacedState {
        Silent => "silent", "It had asked nothing.";
        Idle => "idle", "All that it had asked was answered.";
    }
}

label_values! {
    /// How a TLS handshake with a client ended.
    pub enum HandshakeResult {
        Full => "full", "A new session.";
        Resumed => "resumed", "An earlier session goes on.";
        Timeout => "timeout", "Not done in time.";
        Closed => "closed", "The client closed the connection.";
        NotTls => "not-tls", "The client sent something else.";
        Version => "version", "No version in common.";
        Cipher => "cipher", "No cipher suite, group or signature scheme in common.";
        Protocol => "protocol", "The client offers other protocols alone (ALPN).";
        Alert => "alert", "The client ended it, as it does where it does not trust the certificate.";
        ClientCertificate => "client-certificate", "The certificate that the client showed does not verify.";
        Other => "other", "Something else.";
    }
}

label_values! {
    /// A version of TLS.
    pub enum TlsVersionLabel {
        V12 => "1.2", "RFC 5246.";
        V13 => "1.3", "RFC 8446.";
    }
}

label_values! {
    /// How the keys of a session were exchanged.
    pub enum KeyExchangeLabel {
        X25519MlKem768 => "x25519mlkem768", "X25519 and ML-KEM-768.";
        X25519 => "x25519", "X25519.";
        Secp256r1 => "secp256r1", "P-256.";
        Secp384r1 => "secp384r1", "P-384.";
        Nothing => "none", "The keys are those of an earlier session.";
        Unknown => "unknown", "Another group.";
    }
}

label_values! {
    /// What came of the header that a proxy begins with, or should.
    pub enum ProxyHeaderResult {
        Client => "client", "It names a client.";
        Itself => "local", "The proxy asks for itself.";
        Missing => "missing", "A proxy sent none.";
        Malformed => "malformed", "It cannot be read, or names no client that there can be.";
        Late => "late", "It was not whole in time.";
        NotAllowed => "not-allowed", "It came from an address that is not that of a proxy.";
    }
}

label_values! {
    /// Why a stream of a client had no answer.
    pub enum StreamFault {
        Request => "request", "A request by HTTP that is none for DNS: its path, method, media type, or what a proxy says.";
        Message => "message", "What came is no query, or too long for one.";
        Late => "late", "The query was not whole in time.";
        Gone => "gone", "The client gave it up.";
        Unanswered => "unanswered", "Others were asked, and no answer came of it.";
    }
}

label_values! {
    /// What came of a dynamic update.
    pub enum UpdateResult {
        Accepted => "accepted", "It was carried out, and is on the disk.";
        Duplicate => "duplicate", "It had come before, and got the same answer.";
        Prerequisite => "prerequisite", "A prerequisite did not hold.";
        Refused => "refused", "No rule of the zone allows it, or the zone does not take it.";
        Malformed => "malformed", "It could not be read, or is not for this zone.";
        NotAuthoritative => "not-authoritative", "No zone that is changed here has this name.";
        QueueFull => "queue-full", "Too many were waiting.";
        Failed => "failed", "It could not be kept.";
        Forwarded => "forwarded", "A primary of the zone has answered it.";
        Unanswered => "unanswered", "It was for a primary of the zone, and none has answered.";
    }
}

label_values! {
    /// How a NOTIFY message of another server was answered.
    pub enum NotifyInResult {
        Accepted => "accepted", "A primary says that there is a new version.";
        NotAllowed => "not-allowed", "Nobody who may say so.";
        NoZone => "no-zone", "No zone of other servers has this name.";
        Child => "child", "A child of a zone served here has changed its CDS, CDNSKEY or CSYNC (RFC 9859).";
    }
}

label_values! {
    /// How a reload ended.
    pub enum ReloadResult {
        Changed => "changed", "The new configuration is in force.";
        Unchanged => "unchanged", "Read and found the same.";
        Failed => "failed", "Wrong somewhere; the old one stays in force.";
    }
}

label_codes! {
    /// Query types with a label of their own.
    enum TypeLabel {
        A = 1 => "A";
        Ns = 2 => "NS";
        Cname = 5 => "CNAME";
        Soa = 6 => "SOA";
        Ptr = 12 => "PTR";
        Mx = 15 => "MX";
        Txt = 16 => "TXT";
        Aaaa = 28 => "AAAA";
        Loc = 29 => "LOC";
        Srv = 33 => "SRV";
        Naptr = 35 => "NAPTR";
        Cert = 37 => "CERT";
        Dname = 39 => "DNAME";
        Ds = 43 => "DS";
        Sshfp = 44 => "SSHFP";
        Rrsig = 46 => "RRSIG";
        Nsec = 47 => "NSEC";
        Dnskey = 48 => "DNSKEY";
        Nsec3 = 50 => "NSEC3";
        Nsec3Param = 51 => "NSEC3PARAM";
        Tlsa = 52 => "TLSA";
        Cds = 59 => "CDS";
        Cdnskey = 60 => "CDNSKEY";
        OpenPgpKey = 61 => "OPENPGPKEY";
        Zonemd = 63 => "ZONEMD";
        Svcb = 64 => "SVCB";
        Https = 65 => "HTTPS";
        Ixfr = 251 => "IXFR";
        Axfr = 252 => "AXFR";
        Any = 255 => "ANY";
        Uri = 256 => "URI";
        Caa = 257 => "CAA";
    }
}

label_codes! {
    /// RCODEs with a label of their own, the extended ones included (RFC 6895, section 2.3).
    enum RcodeLabel {
        NoError = 0 => "NOERROR";
        FormErr = 1 => "FORMERR";
        ServFail = 2 => "SERVFAIL";
        NxDomain = 3 => "NXDOMAIN";
        NotImp = 4 => "NOTIMP";
        Refused = 5 => "REFUSED";
        YxDomain = 6 => "YXDOMAIN";
        YxRrset = 7 => "YXRRSET";
        NxRrset = 8 => "NXRRSET";
        NotAuth = 9 => "NOTAUTH";
        NotZone = 10 => "NOTZONE";
        DsoTypeNi = 11 => "DSOTYPENI";
        BadVers = 16 => "BADVERS";
        BadKey = 17 => "BADKEY";
        BadTime = 18 => "BADTIME";
        BadMode = 19 => "BADMODE";
        BadName = 20 => "BADNAME";
        BadAlg = 21 => "BADALG";
        BadTrunc = 22 => "BADTRUNC";
        BadCookie = 23 => "BADCOOKIE";
    }
}
