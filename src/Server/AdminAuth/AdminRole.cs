namespace Relay.AdminAuth;

/// <summary>What a caller of the admin service may do; each role may also do what those before it may.</summary>
internal enum AdminRole
{
    /// <summary>Nothing at all.</summary>
    None,

    /// <summary>Everything that is read-only.</summary>
    Read,

    /// <summary>Limits, bans, disconnecting.</summary>
    Operate,

    /// <summary>Rollback, enforcing a shadow, tokens.</summary>
    Admin,
}

/// <summary>Roles as options, files and messages spell them.</summary>
internal static class AdminRoles
{
    public const string Words = "read, operate or admin";

    public static string Word(this AdminRole role) => role switch
    {
        AdminRole.Read => "read",
        AdminRole.Operate => "operate",
        AdminRole.Admin => "admin",
        _ => "none",
    };

    /// <summary>"operate" to a role; "none" is no word for one.</summary>
    public static bool TryParse(string word, out AdminRole role)
    {
        role = word switch
        {
            "read" => AdminRole.Read,
            "operate" => AdminRole.Operate,
            "admin" => AdminRole.Admin,
            _ => AdminRole.None,
        };
        return role != AdminRole.None;
    }
}
