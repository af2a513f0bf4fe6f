using Relay.Native;

namespace Relay.Configuration;

/// <summary>Where the relay keeps what must outlive it; never the folder that it happens to be started in.</summary>
internal static class DataFolder
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    // Where versions before 0.2 kept it, in the folder they were started in.
    private const string FormerFolder = "data";

    /// <summary>The folder that the settings or the environment name; null: neither does, and this user has no home.</summary>
    public static string? Find(DataOptions options) =>
        options.Folder.Length > 0 ? Path.GetFullPath(options.Folder)
        : FromVariable("STATE_DIRECTORY") is { } state ? state.Split(':')[0]
        : CurrentUser.Id() == 0 ? "/var/lib/relay"
        : FromVariable("XDG_STATE_HOME") is { } xdg ? Path.Combine(xdg, "relay")
        : FromVariable("HOME") is { } home ? Path.Combine(home, ".local", "state", "relay")
        : null;

    /// <summary>Makes the folder. Throws <see cref="IOException"/> with a sentence that says what to do.</summary>
    public static void Prepare(RelaySettings settings)
    {
        var folder = Find(settings.Data)!;
        try
        {
            Directory.CreateDirectory(folder, OwnerOnly);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"the data folder {folder} cannot be made ({exception.Message}); set Data:Folder to one that this user may write to", exception);
        }

        if (Former(settings) is { } problem)
        {
            throw new IOException(problem);
        }
    }

    /// <summary>A sentence where an earlier version has left its state beside and this one has none; else null.</summary>
    public static string? Former(RelaySettings settings)
    {
        var former = Path.GetFullPath(Path.Combine(FormerFolder, Path.GetFileName(settings.Identity.KeyFile)));
        return settings.Data.Folder.Length == 0 && !File.Exists(settings.Identity.KeyFile) && File.Exists(former)
            ? $"{Path.GetDirectoryName(former)} holds the key and the state of an earlier version, and the data folder {Find(settings.Data)} none: move its files there, or set Data:Folder={Path.GetDirectoryName(former)}"
            : null;
    }

    private static string? FromVariable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value && Path.IsPathRooted(value) ? value : null;
}
