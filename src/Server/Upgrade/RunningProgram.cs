using Relay.Configuration;

namespace Relay.Upgrade;

/// <summary>The program that this process runs: how it was started and is started anew, and whether another one lies in its place by now.</summary>
internal sealed class RunningProgram
{
    private readonly IReadOnlyList<FileVersion> _started;

    /// <param name="command">The words of the command line, the program first.</param>
    /// <param name="files">What changes with the version.</param>
    public RunningProgram(IReadOnlyList<string> command, IReadOnlyList<string> files)
    {
        Command = command;
        _started = [.. files.Select(FileVersion.Of)];
    }

    /// <summary>The words of the command line, the program first.</summary>
    public IReadOnlyList<string> Command { get; }

    /// <summary>How long a new process of it may take for each step of taking over, of which the longest is to open and check the database.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The files are not those that this process was started from.</summary>
    public bool IsReplaced => _started.Any(started => FileVersion.Of(started.Path) is { Length: >= 0 } now && now != started);

    /// <summary>Of this process.</summary>
    public static RunningProgram Current()
    {
        // As it was started: Environment.ProcessPath has followed the links that lead to a version.
        string[] command = OperatingSystem.IsLinux()
            ? File.ReadAllText("/proc/self/cmdline").Split('\0')[..^1]
            : Environment.GetCommandLineArgs();
        string?[] files =
        [
            command[0].Contains('/', StringComparison.Ordinal) ? Path.GetFullPath(command[0]) : Environment.ProcessPath,
            Path.Combine(AppContext.BaseDirectory, "relayd.dll"),
        ];
        return new RunningProgram(command, [.. files.Where(File.Exists).Select(file => file!)]);
    }
}
