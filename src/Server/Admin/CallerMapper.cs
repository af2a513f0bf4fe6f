using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;
using Relay.AdminAuth;

namespace Relay.Admin;

/// <summary>A caller as they are told who they are.</summary>
internal static class CallerMapper
{
    public static Caller Of(AdminIdentity identity) => new()
    {
        Name = identity.Who,
        Role = (Role)identity.Role,
        Authentication = identity.Kind switch
        {
            CallerKind.Process => "process",
            CallerKind.Certificate => "certificate",
            CallerKind.Token => "token",
            _ => "",
        },
        ExpiresAt = (identity.Token?.Expires ?? identity.Until) is { } until ? Timestamp.FromDateTimeOffset(until) : null,
    };
}
