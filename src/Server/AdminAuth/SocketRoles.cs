using System.ComponentModel.DataAnnotations;

namespace Relay.AdminAuth;

/// <summary>
/// The role of a process on the Unix socket. With no list given the socket's file mode is the whole answer and whoever
/// connects may do all; with any list given, only who is listed may do anything, and root.
/// </summary>
internal sealed class SocketRoles
{
    private const char GroupMark = '@';

    // Fixed after construction; the strictest role first.
    private readonly (AdminRole Role, HashSet<uint> Users, HashSet<uint> Groups)[] _lists;
    private readonly bool _listed;

    public SocketRoles(AdminOptions options)
    {
        _lists = [.. Lists(options).Select(list => (
            list.Role,
            list.Entries.Where(entry => !IsGroup(entry)).Select(PasswdFile.UserId).OfType<uint>().ToHashSet(),
            list.Entries.Where(IsGroup).Select(group => PasswdFile.GroupId(group[1..])).OfType<uint>().ToHashSet()))];
        _listed = Lists(options).Any(list => list.Entries.Length > 0);
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
        if (!OperatingSystem.IsLinux() && Lists(options).Any(list => list.Entries.Length > 0))
        {
            yield return new ValidationResult("lists of users and groups need Linux, which says who is at the other end", [nameof(AdminOptions.Admins)]);
        }

        foreach (var list in Lists(options))
        {
            foreach (var entry in list.Entries.Where(entry => !IsKnown(entry)))
            {
                yield return new ValidationResult(
                    IsGroup(entry)
                        ? $"there is no group '{entry[1..]}' in /etc/group; give the number (@1000) if it is in a directory"
                        : $"there is no user '{entry}' in /etc/passwd; give the number if it is in a directory, and write a group as @{entry}",
                    [list.Name]);
            }
        }
    }

    /// <summary>The name of the list that gives a role.</summary>
    public static string OptionOf(AdminRole role) => Lists(new AdminOptions()).First(list => list.Role == role).Name;

    private static bool IsGroup(string entry) => entry.StartsWith(GroupMark);

    private static bool IsKnown(string entry) => (IsGroup(entry) ? PasswdFile.GroupId(entry[1..]) : PasswdFile.UserId(entry)) is not null;

    private static (AdminRole Role, string Name, string[] Entries)[] Lists(AdminOptions options) =>
    [
        (AdminRole.Admin, nameof(options.Admins), options.Admins),
        (AdminRole.Operate, nameof(options.Operators), options.Operators),
        (AdminRole.Read, nameof(options.Readers), options.Readers),
    ];
}
