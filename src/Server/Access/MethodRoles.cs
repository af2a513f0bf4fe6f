using System.Collections.Frozen;

namespace Relay.Access;

/// <summary>What one method needs, and whether it changes something: that is audited.</summary>
internal readonly record struct MethodRule(AdminRole Role, bool Changes);

/// <summary>Which role each method of the admin listener needs: the one table, for every service that answers there.</summary>
internal static class MethodRoles
{
    private const string Admin = "/relay.admin.v1.AdminService/";
    private const string Policy = "/relay.admin.v1.PolicyService/";
    private const string Connections = "/relay.admin.v1.ConnectionService/";
    private const string Decisions = "/relay.admin.v1.DecisionService/";
    private const string Health = "/grpc.health.v1.Health/";

    private static readonly FrozenDictionary<string, MethodRule> Table = new Dictionary<string, MethodRule>
    {
        [Admin + "GetStats"] = Looks(AdminRole.Read),
        [Admin + "WatchStats"] = Looks(AdminRole.Read),
        [Admin + "ListIps"] = Looks(AdminRole.Read),
        [Admin + "ListRelays"] = Looks(AdminRole.Read),
        [Admin + "ListChannels"] = Looks(AdminRole.Read),
        [Admin + "ListPeers"] = Looks(AdminRole.Read),
        [Admin + "Verify"] = Looks(AdminRole.Read),
        [Admin + "ListAudit"] = Looks(AdminRole.Read),
        [Admin + "CreateToken"] = Changes(AdminRole.Admin),
        [Admin + "ListTokens"] = Looks(AdminRole.Admin),
        [Admin + "RevokeToken"] = Changes(AdminRole.Admin),
        [Policy + "GetPolicy"] = Looks(AdminRole.Read),
        [Policy + "ListRevisions"] = Looks(AdminRole.Read),
        [Policy + "DiffPolicy"] = Looks(AdminRole.Read),
        [Policy + "ListBans"] = Looks(AdminRole.Read),
        [Policy + "ChangePolicy"] = Changes(AdminRole.Operate),
        [Policy + "ResetPolicy"] = Changes(AdminRole.Operate),
        [Policy + "ConfirmPolicy"] = Changes(AdminRole.Operate),
        [Policy + "ClearShadow"] = Changes(AdminRole.Operate),
        [Policy + "Ban"] = Changes(AdminRole.Operate),
        [Policy + "Unban"] = Changes(AdminRole.Operate),
        [Policy + "RollbackPolicy"] = Changes(AdminRole.Admin),
        [Policy + "PromoteShadow"] = Changes(AdminRole.Admin),
        [Decisions + "Explain"] = Looks(AdminRole.Read),
        [Decisions + "TailDecisions"] = Looks(AdminRole.Read),
        [Connections + "ListConnections"] = Looks(AdminRole.Read),
        [Connections + "Disconnect"] = Changes(AdminRole.Operate),
        [Connections + "Drain"] = Changes(AdminRole.Operate),
        [Connections + "CancelDrain"] = Changes(AdminRole.Operate),
        [Health + "Check"] = Looks(AdminRole.Read),
        [Health + "Watch"] = Looks(AdminRole.Read),
        ["/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"] = Looks(AdminRole.Read),
        ["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"] = Looks(AdminRole.Read),
    }.ToFrozenDictionary();

    /// <summary>Full names, "/package.Service/Method".</summary>
    public static IEnumerable<string> Methods => Table.Keys;

    /// <summary>What is not in the table was forgotten there, and the strictest role is the safe one.</summary>
    public static MethodRule Of(string method) => Table.TryGetValue(method, out var rule) ? rule : Changes(AdminRole.Admin);

    /// <summary>Whoever may open the Unix socket may ask whether the relay serves: a supervisor has no role and needs none.</summary>
    public static bool IsHealth(string method) => method.StartsWith(Health, StringComparison.Ordinal);

    private static MethodRule Looks(AdminRole role) => new(role, Changes: false);

    private static MethodRule Changes(AdminRole role) => new(role, Changes: true);
}
