namespace Relay.AdminCli;

/// <summary>Where the dashboard is: a program of its own, so that relayctl stays small.</summary>
internal static class DashboardProgram
{
    public const string Name = "relay-dashboard";

    // Beside relayctl as it is built and published, and as it is installed: PREFIX/bin and PREFIX/lib/relay/dashboard.
    private static readonly string[] Folders = ["dashboard", "../dashboard", "../lib/relay/dashboard"];

    /// <summary>The program that belongs to the relayctl in a folder; or null and a sentence that says where it was looked for.</summary>
    public static string? Find(string folder, out string? problem)
    {
        var candidates = Folders.Select(place => Path.GetFullPath(Path.Combine(folder, place, Name))).ToArray();
        var found = candidates.FirstOrDefault(File.Exists);
        problem = found is not null ? null
            : $"The dashboard is not installed: there is no {Printable.Clean(string.Join(", ", candidates))}.\n"
                + "From a clone, `make dashboard` starts it; it need not be on the relay's machine.";
        return found;
    }
}
