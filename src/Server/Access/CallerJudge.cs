namespace Relay.Access;

/// <summary>Says who a caller is and whether that is enough.</summary>
internal sealed class CallerJudge(SocketRoles socketRoles)
{
    public AdminIdentity Identify(AdminConnection connection) =>
        new(connection.Process?.ToString() ?? "unknown", socketRoles.Of(connection.Process));

    /// <summary>Null when the caller may; otherwise a sentence that says which role is needed and where to get it.</summary>
    public static string? Objection(AdminCaller caller, string method)
    {
        var needed = MethodRoles.Needed(method);
        if (caller.Identity.Role >= needed || MethodRoles.IsHealth(method))
        {
            return null;
        }

        var has = caller.Identity.Role == AdminRole.None ? "has no role" : $"has {caller.Identity.Role.Word()}";
        return $"{caller.Method} needs the role {needed.Word()}; {caller.Who} {has}. "
            + $"Whoever runs the relay can put the user into Admin:{needed}Users or one of its groups into Admin:{needed}Groups.";
    }
}
