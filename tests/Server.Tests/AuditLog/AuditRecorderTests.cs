using System.Text.Json;
using Relay.AuditLog;

namespace Server.Tests.AuditLog;

public sealed class AuditRecorderTests : IDisposable
{
    private readonly AuditFolder _folder = new();

    [Fact]
    public void Record_AnEntry_IsOneLineWithNumberAndTime()
    {
        _folder.Open().Record(AuditFolder.Entry(what: "total=5"));

        Assert.Equal(
            """{"sequence":1,"time":"2026-05-01T12:00:00Z","who":"uid=0(root)","role":"admin","transport":"unix","method":"SetLimits","what":"total=5","result":"ok"}""",
            Assert.Single(_folder.Lines));
    }

    [Fact]
    public void Record_TextWithLineBreaksAndUmlauts_StaysOneReadableLine()
    {
        _folder.Open().Record(AuditFolder.Entry(what: "ü \"x\"\r\n{\"sequence\":9}\u001b[0m"));

        var line = Assert.Single(_folder.Lines);
        Assert.Contains("ü", line, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', line);
        Assert.Equal(1, JsonDocument.Parse(line).RootElement.GetProperty("sequence").GetInt64());
    }

    // Two processes write during an upgrade, and the file is renamed while they do.
    [Fact]
    public void Record_TwoProcessesAtOnce_EveryEntryHasANumberOfItsOwn()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "SKIPPED: an upgrade needs Linux.");
        _folder.Options.MaxBytes = 20_000;
        _folder.Options.KeepFiles = 100;
        var (old, next) = (_folder.Open(), _folder.Open());

        Parallel.For(0, 400, i => (i % 2 == 0 ? old : next).Record(AuditFolder.Entry(what: $"entry {i}")));

        var (entries, damaged) = AuditFolder.ReadAll(_folder.Open(), new AuditQuery { Limit = 1000 });
        Assert.Equal(0, damaged);
        Assert.Equal(Enumerable.Range(1, 400).Select(number => (long)number).Reverse(), entries.Select(entry => entry.Sequence));
        Assert.Equal(400, entries.Select(entry => entry.What).Distinct().Count());
    }

    [Fact]
    public void Start_FileIsOpenToOthers_IsClosedToThem()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "SKIPPED: file modes are Unix'.");
        _folder.Open();
        File.SetUnixFileMode(_folder.Options.File, (UnixFileMode)0b_110_110_110);
        _folder.Open();

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder.Options.File));
    }

    [Fact]
    public void Start_FileIsAFolder_SaysWhichAndWhatToDo()
    {
        Directory.CreateDirectory(_folder.Options.File);

        var error = Assert.Throws<InvalidDataException>(_folder.Open);
        Assert.Contains(_folder.Options.File, error.Message, StringComparison.Ordinal);
        Assert.Contains("Audit:File", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Start_AfterEntries_CountsOn()
    {
        var first = _folder.Open();
        first.Record(AuditFolder.Entry());
        first.Record(AuditFolder.Entry());
        _folder.Open().Record(AuditFolder.Entry());

        Assert.Equal([3L, 2L, 1L], AuditFolder.ReadAll(first, new AuditQuery { Limit = 10 }).Entries.Select(entry => entry.Sequence));
    }

    [Fact]
    public void Record_AfterACrashInMidLine_BeginsANewLineAndCountsOn()
    {
        var log = _folder.Open();
        log.Record(AuditFolder.Entry());
        File.AppendAllText(_folder.Options.File, """{"sequence":2,"time":"2026-05""");
        var restarted = _folder.Open();
        restarted.Record(AuditFolder.Entry(what: "after"));

        Assert.Equal(3, _folder.Lines.Length);
        var (entries, damaged) = AuditFolder.ReadAll(restarted, new AuditQuery { Limit = 10 });
        Assert.Equal([2L, 1L], entries.Select(entry => entry.Sequence));
        Assert.Equal(1, damaged);
    }

    [Fact]
    public void Record_FileMovedAwayByHand_IsMadeAnew()
    {
        var log = _folder.Open();
        log.Record(AuditFolder.Entry());
        File.Move(_folder.Options.File, _folder.Options.File + ".moved");
        log.Record(AuditFolder.Entry());

        Assert.Contains("\"sequence\":2,", Assert.Single(_folder.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Record_FileIsFull_IsRotatedAndOldOnesAreDropped()
    {
        (_folder.Options.MaxBytes, _folder.Options.KeepFiles) = (1000, 2);
        var log = _folder.Open();
        for (var i = 0; i < 40; i++)
        {
            log.Record(AuditFolder.Entry(what: new string('x', 100)));
        }

        var files = Directory.GetFiles(Path.GetDirectoryName(_folder.Options.File)!).Order().ToArray();
        Assert.Equal(["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2"], files.Select(Path.GetFileName));
        Assert.All(files, file => Assert.True(new FileInfo(file).Length <= 1000));
        var sequences = AuditFolder.ReadAll(log, new AuditQuery { Limit = 3 }).Entries.Select(entry => entry.Sequence).ToArray();
        Assert.Equal(Enumerable.Range(0, sequences.Length).Select(i => 40L - i), sequences);
        Assert.InRange(sequences.Length, 9, 20);
    }

    [Fact]
    public void Record_OneEntryIsLargerThanTheFile_IsWrittenAllTheSame()
    {
        (_folder.Options.MaxBytes, _folder.Options.KeepFiles) = (100, 1);
        var log = _folder.Open();
        log.Record(AuditFolder.Entry(what: new string('x', 500)));

        Assert.Single(_folder.Lines);
    }

    [Fact]
    public void Record_FileCannotBeWritten_IsCountedAndTheNumberIsMissing()
    {
        var log = _folder.Open();
        log.Record(AuditFolder.Entry());
        File.Move(_folder.Options.File, _folder.Options.File + ".1");
        Directory.CreateDirectory(_folder.Options.File);
        log.Record(AuditFolder.Entry());
        Assert.True(log.IsFailing);
        Directory.Delete(_folder.Options.File);
        log.Record(AuditFolder.Entry());

        Assert.Equal((2, 1, false), (log.Written, log.Failed, log.IsFailing));
        Assert.Equal([3L, 1L], AuditFolder.ReadAll(log, new AuditQuery { Limit = 10 }).Entries.Select(entry => entry.Sequence));
    }

    [Fact]
    public void RecordRefusal_FloodOfStrangers_IsCutAndTheNextEntryTellsHowMany()
    {
        var log = _folder.Open();
        for (var i = 0; i < 1000; i++)
        {
            log.RecordRefusal(AuditFolder.Entry(result: "UNAUTHENTICATED"), ofUnknown: true);
        }

        Assert.Equal((100, 900), (log.Written, log.Omitted));

        // Neither a change nor somebody known is kept out by untrusted clients.
        log.Record(AuditFolder.Entry(what: "change"));
        log.RecordRefusal(AuditFolder.Entry(result: "PERMISSION_DENIED"), ofUnknown: false);
        var newest = log.Read(new AuditQuery { Limit = 2 }).Entries;
        Assert.Equal([null, 900L], newest.Select(entry => entry.Omitted));

        _folder.Time.Advance(TimeSpan.FromMinutes(1));
        for (var i = 0; i < 50; i++)
        {
            log.RecordRefusal(AuditFolder.Entry(result: "UNAUTHENTICATED"), ofUnknown: true);
        }

        Assert.Equal((112, 940), (log.Written, log.Omitted));
    }

    [Fact]
    public void Record_SwitchedOff_WritesNothing()
    {
        _folder.Options.File = "";
        var log = _folder.Open();
        log.Record(AuditFolder.Entry());

        Assert.False(log.IsOn);
        Assert.Empty(log.Read(new AuditQuery { Limit = 1 }).Entries);
    }

    [Fact]
    public async Task Record_ManyAtOnce_LoseNoneAndKeepTheirOrder()
    {
        _folder.Options.MaxBytes = 4096;
        _folder.Options.KeepFiles = 100;
        var log = _folder.Open();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 50; i++)
            {
                log.Record(AuditFolder.Entry());
            }
        })));

        var (entries, damaged) = AuditFolder.ReadAll(log, new AuditQuery { Limit = 7 });
        Assert.Equal(Enumerable.Range(1, 200).Reverse().Select(i => (long)i), entries.Select(entry => entry.Sequence));
        Assert.Equal(0, damaged);
    }

    public void Dispose() => _folder.Dispose();
}
