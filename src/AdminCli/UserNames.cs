using System.Globalization;

namespace Relay.AdminCli;

/// <summary>Names of users and groups, from the local files; unknown ids stay numbers.</summary>
internal static class UserNames
{
    public static string OfUser(uint id) => Find("/etc/passwd", id);

    public static string OfGroup(uint id) => Find("/etc/group", id);

    private static string Find(string file, uint id)
    {
        var number = id.ToString(CultureInfo.InvariantCulture);
        try
        {
            // name:password:id:…
            return File.ReadLines(file).Select(line => line.Split(':')).FirstOrDefault(parts => parts.Length > 2 && parts[2] == number)?[0] ?? number;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A name is a courtesy; the number says the same.
            return number;
        }
    }
}
