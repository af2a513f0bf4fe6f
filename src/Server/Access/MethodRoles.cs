using System.Collections.Frozen;

namespace Relay.Access;

/// <summary>Which role each method of the admin listener needs: the one table, for every service that answers there.</summary>
internal static class MethodRoles
{
    private const string Admin = "/relay.admin.v1.AdminService/";
    private const string Policy = "/relay.admin.v1.PolicyService/";
    private const string Health = "/grpc.health.v1.Health/";

    private static readonly FrozenDictionary<string, AdminRole> Table = new Dictionary<string, AdminRole>
    {
        [Admin + "GetStats"] = AdminRole.Read,
        [Admin + "WatchStats"] = AdminRole.Read,
        [Admin + "ListIps"] = AdminRole.Read,
        [Admin + "ListPeers"] = AdminRole.Read,
        [Admin + "GetLimits"] = AdminRole.Read,
        [Admin + "Verify"] = AdminRole.Read,
        [Admin + "ListAudit"] = AdminRole.Read,
        [Admin + "SetLimits"] = AdminRole.Operate,
        [Policy + "GetPolicy"] = AdminRole.Read,
        [Policy + "ListRevisions"] = AdminRole.Read,
        [Policy + "DiffPolicy"] = AdminRole.Read,
        [Policy + "ListBans"] = AdminRole.Read,
        [Policy + "ChangePolicy"] = AdminRole.Operate,
        [Policy + "ConfirmPolicy"] = AdminRole.Operate,
        [Policy + "ClearShadow"] = AdminRole.Operate,
        [Policy + "Ban"] = AdminRole.Operate,
        [Policy + "Unban"] = AdminRole.Operate,
        [Policy + "RollbackPolicy"] = AdminRole.Admin,
        [Policy + "SavePolicy"] = AdminRole.Admin,
        [Policy + "PromoteShadow"] = AdminRole.Admin,
        [Health + "Check"] = AdminRole.Read,
        [Health + "Watch"] = AdminRole.Read,
        ["/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"] = AdminRole.Read,
        ["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"] = AdminRole.Read,
    }.ToFrozenDictionary();

    /// <summary>Full names, "/package.Service/Method".</summary>
    public static IEnumerable<string> Methods => Table.Keys;

    /// <summary>What is not in the table was forgotten there, and the strictest role is the safe one.</summary>
    public static AdminRole Needed(string method) => Table.GetValueOrDefault(method, AdminRole.Admin);

    /// <summary>Whoever may open the Unix socket may ask whether the relay serves: a supervisor has no role and needs none.</summary>
    public static bool IsHealth(string method) => method.StartsWith(Health, StringComparison.Ordinal);
}
