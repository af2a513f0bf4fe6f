namespace Relay.Transport.Engine;

/// <summary>How far the bytes of a new connection are the head of a request. All but <see cref="Incomplete"/> are final.</summary>
internal enum HeadStatus
{
    /// <summary>They may become one.</summary>
    Incomplete,

    Complete,

    /// <summary>They break a rule of RFC 9112, or one of RFC 6455 on how often a header may come.</summary>
    Malformed,

    /// <summary>More than <see cref="RequestHead.MaxBytes"/> bytes or <see cref="RequestHead.MaxHeaders"/> headers.</summary>
    TooLong,

    /// <summary>TLS, HTTP/2, a blank line ahead of the request, or anything else that is not the head of an HTTP/1.0 or 1.1 request.</summary>
    NotHttp,
}
