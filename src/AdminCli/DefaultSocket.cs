namespace Relay.AdminCli;

/// <summary>The default admin sockets on this machine, the same as relayd's.</summary>
internal static class DefaultSocket
{
    private const int PermissionDenied = 13;

    public static IReadOnlyList<string> Candidates(Func<string, string?> variable, uint userId)
    {
        var runtime = variable("XDG_RUNTIME_DIR");
        string[] fixedPlaces = ["/run/relay/admin.sock", $"/tmp/relay-{userId}/admin.sock"];
        return string.IsNullOrEmpty(runtime) ? fixedPlaces : [Path.Combine(runtime, "relay", "admin.sock"), .. fixedPlaces];
    }

    /// <summary>The first that exists, or null and a sentence that lists all that were tried.</summary>
    public static ServerAddress? Find(IReadOnlyList<string> candidates, uint userId, out string? problem)
    {
        problem = null;
        var tried = new List<string>();
        foreach (var path in candidates)
        {
            switch (Look(path, userId))
            {
                case null:
                    return ServerAddress.OfSocket(path);
                case { Length: > 0 } why:
                    tried.Add($"{Printable.Clean(path)} ({why})");
                    break;
                default:
                    tried.Add(Printable.Clean(path));
                    break;
            }
        }

        problem = $"Cannot find a relay: no admin socket at {string.Join(", ", tried)}.\n"
            + "Is relayd running? Start it, or give its socket with --server or RELAY_ADMIN.";
        return null;
    }

    /// <summary>Null: usable. Otherwise why not, empty where there simply is no such file.</summary>
    private static string? Look(string path, uint userId)
    {
        if (!LibC.TryStat(path, out var socket, out var errno))
        {
            return errno == PermissionDenied ? "permission denied" : File.Exists(path) ? null : "";
        }

        // Any user can create a folder under /tmp with our user id in its name, and wait there for our commands.
        if (!path.StartsWith("/tmp/", StringComparison.Ordinal) || !LibC.TryStat(Path.GetDirectoryName(path)!, out var folder, out _))
        {
            return null;
        }

        uint[] owners = [folder.UserId, socket.UserId];
        return owners.Where(owner => owner != userId && owner != 0).Select(owner => $"ignored: it belongs to {UserNames.OfUser(owner)}").FirstOrDefault();
    }
}
