/// A request to be sent.
package struct OutgoingRequest: Sendable {
    package var verb: HTTPVerb
    /// Path and query, percent-encoded: "/1.0/instances?recursion=1".
    package var target: String
    package var headers: HeaderFields
    package var body: OutgoingBody
    /// How long to wait for the answer's head once the request is sent; nil: as long as it takes.
    package var timeout: Duration?
    /// How slowly the answer's body may come; nil: as slowly as it likes.
    package var pace: BodyPace?

    package init(
        _ verb: HTTPVerb, _ target: String, headers: HeaderFields = [:], body: OutgoingBody = .none,
        timeout: Duration? = nil
    ) {
        self.verb = verb
        self.target = target
        self.headers = headers
        self.body = body
        self.timeout = timeout
    }
}

/// An answer whose body is still to be read.
package struct IncomingResponse: Sendable {
    package var status: Int
    package var headers: HeaderFields
    /// Read it to the end, or the connection cannot be used again.
    package var body: IncomingBody

    package init(status: Int, headers: HeaderFields, body: IncomingBody) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}
