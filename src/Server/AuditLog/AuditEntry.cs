using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Relay.AdminAuth;

namespace Relay.AuditLog;

/// <summary>One line of the audit file, in the order of its fields there. What does not apply is not written.</summary>
internal sealed record AuditEntry
{
    public const string Ok = "ok";

    /// <summary>Counts up by one over all files, also over restarts: a gap says that lines are missing. The log gives it.</summary>
    public long Sequence { get; init; }

    /// <summary>When it was written, in UTC. The log gives it.</summary>
    public DateTime Time { get; init; }

    /// <summary>The same as in the reply's trailers.</summary>
    public string? RequestId { get; init; }

    /// <summary>The kernel's or the authority's word for the caller; "relayd" where the relay itself acted.</summary>
    public required string Who { get; init; }

    /// <summary>The caller's role; "none" for an unknown caller.</summary>
    public required string Role { get; init; }

    /// <summary>"unix", "tls" or "tcp"; "relay" where the relay itself acted, or took over what another relay's operator had changed.</summary>
    public required string Transport { get; init; }

    /// <summary>The socket's path, or the caller's address and port.</summary>
    public string? Address { get; init; }

    /// <summary>The method's name without its service.</summary>
    public required string Method { get; init; }

    /// <summary>The request in short form.</summary>
    public string? What { get; init; }

    /// <summary>The reason that the caller gave.</summary>
    public string? Why { get; init; }

    /// <summary>The values before a change.</summary>
    public string? Before { get; init; }

    /// <summary>The values after it.</summary>
    public string? After { get; init; }

    /// <summary>"ok" or a gRPC status code's name.</summary>
    public required string Result { get; init; }

    /// <summary>The error message that a rejected caller got.</summary>
    public string? Text { get; init; }

    /// <summary>Refusals since the entry before that were not written, because there were too many.</summary>
    public long? Omitted { get; init; }

    /// <summary>What a caller did, or was refused.</summary>
    public static AuditEntry Of(AdminCaller caller, string what, string? why, string result = Ok, string? text = null) => new()
    {
        RequestId = caller.RequestId,
        Who = caller.Who,
        Role = caller.Identity.Role.Word(),
        Transport = caller.Connection.Transport.ToString().ToLowerInvariant(),
        Address = caller.Connection.Address,
        Method = caller.Method,
        What = what.Length > 0 ? what : null,
        Why = why,
        Before = caller.Change.Before,
        After = caller.Change.After,
        Result = result,
        Text = text,
    };

    /// <summary>An automatic action of the relay, such as reverting a limit that has expired; or what it took over from another.</summary>
    public static AuditEntry OfRelay(string who, string method, string what, string? why, string before, string after) => new()
    {
        Who = who,
        Role = AdminRole.Admin.Word(),
        Transport = "relay",
        Method = method,
        What = what.Length > 0 ? what : null,
        Why = why,
        Before = before.Length > 0 ? before : null,
        After = after,
        Result = Ok,
    };
}

/// <summary>Reader and writer of the audit file.</summary>
[JsonSerializable(typeof(AuditEntry))]
internal sealed partial class AuditJson : JsonSerializerContext
{
    /// <summary>The file is no web page: names and reasons stay readable in it. Control characters are escaped all the same.</summary>
    public static AuditJson Lines { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        RespectNullableAnnotations = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
