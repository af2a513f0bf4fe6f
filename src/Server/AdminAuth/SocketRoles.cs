using System.ComponentModel.DataAnnotations;

namespace Relay.AdminAuth;

/// <summary>
/// The role of a process on the Unix socket. With no list given the socket's file mode is the whole answer and whoever
/// connects may do all; with any list given, only who is listed may do anything, and root.
/// </summary>
internal sealed class SocketRoles
{
    // Fixed after construction; the strictest role first.
    private readonly (AdminRole Role, HashSet<uint> Users, HashSet<uint> Groups)[] _lists;
    private readonly bool _listed;

    public SocketRoles(AdminOptions options)
    {
        _lists = [.. Lists(options).Select(list => (
            list.Role,
            list.Users.Select(PasswdFile.UserId).OfType<uint>().ToHashSet(),
            list.Groups.Select(PasswdFile.GroupId).OfType<uint>().ToHashSet()))];
        _listed = Lists(options).Any(list => list.Users.Length + list.Groups.Length > 0);
    }

    public AdminRole Of(PeerProcess? process)
    {
        if (!_listed)
        {
            return AdminRole.Admin;
        }

        if (process is null)
        {
            return AdminRole.None;
        }

        return process.UserId == 0
            ? AdminRole.Admin
            : _lists.FirstOrDefault(list =>
                list.Users.Contains(process.UserId) || list.Groups.Contains(process.GroupId) || list.Groups.Overlaps(process.Groups)).Role;
    }

    /// <summary>Names that this system does not know: a list with a typing error must not start.</summary>
    public static IEnumerable<ValidationResult> Check(AdminOptions options)
    {
        if (!OperatingSystem.IsLinux() && Lists(options).Any(list => list.Users.Length + list.Groups.Length > 0))
        {
            yield return new ValidationResult("lists of users and groups need Linux, which says who is at the other end", [nameof(AdminOptions.AdminUsers)]);
        }

        foreach (var list in Lists(options))
        {
            foreach (var user in list.Users.Where(user => PasswdFile.UserId(user) is null))
            {
                yield return new ValidationResult($"there is no user '{user}' in /etc/passwd; give the number if it is in a directory", [$"{list.Role}Users"]);
            }

            foreach (var group in list.Groups.Where(group => PasswdFile.GroupId(group) is null))
            {
                yield return new ValidationResult($"there is no group '{group}' in /etc/group; give the number if it is in a directory", [$"{list.Role}Groups"]);
            }
        }
    }

    private static (AdminRole Role, string[] Users, string[] Groups)[] Lists(AdminOptions options) =>
    [
        (AdminRole.Admin, options.AdminUsers, options.AdminGroups),
        (AdminRole.Operate, options.OperateUsers, options.OperateGroups),
        (AdminRole.Read, options.ReadUsers, options.ReadGroups),
    ];
}
