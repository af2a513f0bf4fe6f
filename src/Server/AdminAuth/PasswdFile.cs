using System.Globalization;

namespace Relay.AdminAuth;

/// <summary>Names and numbers of users and groups, from the local files. Those of a directory service are known by number only.</summary>
internal static class PasswdFile
{
    private const string Users = "/etc/passwd";
    private const string GroupsFile = "/etc/group";

    public static string? UserName(uint id) => Lines(Users).FirstOrDefault(parts => IdOf(parts) == id)?[0];

    /// <summary>A number, or a name that the file has; null: there is no such user.</summary>
    public static uint? UserId(string nameOrNumber) => Find(Users, nameOrNumber);

    /// <summary>A number, or a name that the file has; null: there is no such group.</summary>
    public static uint? GroupId(string nameOrNumber) => Find(GroupsFile, nameOrNumber);

    private static uint? Find(string file, string nameOrNumber) =>
        uint.TryParse(nameOrNumber, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : Lines(file).Where(parts => parts[0] == nameOrNumber).Select(IdOf).FirstOrDefault();

    // name:password:id:…
    private static uint? IdOf(string[] parts) =>
        parts.Length > 2 && uint.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;

    private static IEnumerable<string[]> Lines(string file)
    {
        try
        {
            return [.. File.ReadLines(file).Select(line => line.Split(':'))];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A system without the file has no names.
            return [];
        }
    }
}
