using Relay.Upgrade;

namespace Server.Tests.Upgrade;

public sealed class RunningProgramTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("relay-program-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void IsReplaced_AnotherFileOfTheSameName_IsTrue()
    {
        var file = Path.Combine(_folder, "relayd");
        File.WriteAllText(file, "old");
        var program = new RunningProgram([file], [file]);
        Assert.False(program.IsReplaced);

        File.WriteAllText($"{file}.new", "new");
        File.SetLastWriteTimeUtc($"{file}.new", File.GetLastWriteTimeUtc(file));
        File.Move($"{file}.new", file, overwrite: true);

        Assert.True(program.IsReplaced);
    }

    // Of an installation that is in the middle of its work; there is nothing to be started.
    [Fact]
    public void IsReplaced_FileIsGone_IsFalse()
    {
        var file = Path.Combine(_folder, "relayd");
        File.WriteAllText(file, "old");
        var program = new RunningProgram([file], [file]);

        File.Delete(file);

        Assert.False(program.IsReplaced);
    }

    [Fact]
    public void IsReplaced_LinkLeadsElsewhere_IsTrue()
    {
        var (first, second, link) = (Path.Combine(_folder, "1"), Path.Combine(_folder, "2"), Path.Combine(_folder, "relayd"));
        File.WriteAllText(first, "old");
        File.WriteAllText(second, "new");
        File.CreateSymbolicLink(link, first);
        var program = new RunningProgram([link], [link]);
        Assert.False(program.IsReplaced);

        File.Delete(link);
        File.CreateSymbolicLink(link, second);

        Assert.True(program.IsReplaced);
    }

    [Fact]
    public void Current_ThisProcess_HasItsCommandLine()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "SKIPPED: only Linux has the command line in a file.");

        Assert.Equal(Environment.GetCommandLineArgs()[1..], RunningProgram.Current().Command.TakeLast(Environment.GetCommandLineArgs().Length - 1));
    }
}
