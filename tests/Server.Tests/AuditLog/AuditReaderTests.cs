using CsCheck;
using Relay.AuditLog;

namespace Server.Tests.AuditLog;

public sealed class AuditReaderTests : IDisposable
{
    private readonly AuditFolder _folder = new();

    [Fact]
    public void Read_Filters_NarrowByCallerMethodTimeAndNumber()
    {
        var log = _folder.Open();
        log.Record(AuditFolder.Entry(who: "uid=1000(kay) gid=1000 pid=1", method: "SetLimits"));
        _folder.Time.Advance(TimeSpan.FromHours(3));
        log.Record(AuditFolder.Entry(who: "uid=1001(ann) gid=1001 pid=2", method: "SetLimits"));
        log.Record(AuditFolder.Entry(who: "uid=1000(kay) gid=1000 pid=3", method: "RevokeToken"));

        Assert.Equal([3L, 1L], Sequences(new AuditQuery { Limit = 10, Who = "KAY" }));
        Assert.Equal([2L, 1L], Sequences(new AuditQuery { Limit = 10, Method = "set-limit" }));
        Assert.Equal([3L], Sequences(new AuditQuery { Limit = 10, Who = "kay", Method = "token" }));
        Assert.Equal([3L, 2L], Sequences(new AuditQuery { Limit = 10, Since = _folder.Time.GetUtcNow().UtcDateTime }));
        Assert.Equal([3L], Sequences(new AuditQuery { Limit = 10, AfterSequence = 2 }));
        Assert.Empty(Sequences(new AuditQuery { Limit = 10, AfterSequence = 3 }));
        Assert.Equal([3L, 2L, 1L], Sequences(new AuditQuery { Limit = 10, Since = DateTime.MinValue }));

        IEnumerable<long> Sequences(AuditQuery query) => AuditFolder.ReadAll(log, query).Entries.Select(entry => entry.Sequence);
    }

    [Fact]
    public void Read_EntriesAddedAndFilesRotatedBetweenPages_ThePlaceStays()
    {
        (_folder.Options.MaxBytes, _folder.Options.KeepFiles) = (1500, 50);
        var log = _folder.Open();
        Add(20);
        var seen = new List<long>();
        AuditCursor? from = null;
        do
        {
            var page = log.Read(new AuditQuery { Limit = 3, From = from });
            seen.AddRange(page.Entries.Select(entry => entry.Sequence));
            from = page.Next;
            Add(7);
        }
        while (from is not null);

        Assert.Equal(Enumerable.Range(1, 20).Reverse().Select(i => (long)i), seen);

        void Add(int count)
        {
            for (var i = 0; i < count; i++)
            {
                log.Record(AuditFolder.Entry(what: new string('x', 200)));
            }
        }
    }

    [Fact]
    public void Read_TheFileOfThePlaceIsDeleted_ThereIsNoMore()
    {
        (_folder.Options.MaxBytes, _folder.Options.KeepFiles) = (1500, 1);
        var log = _folder.Open();
        for (var i = 0; i < 6; i++)
        {
            log.Record(AuditFolder.Entry(what: new string('x', 200)));
        }

        var page = log.Read(new AuditQuery { Limit = 2 });
        for (var i = 0; i < 20; i++)
        {
            log.Record(AuditFolder.Entry(what: new string('x', 200)));
        }

        Assert.Equal(new AuditPage([], null, 0).Next, log.Read(new AuditQuery { Limit = 2, From = page.Next }).Next);
        Assert.Empty(log.Read(new AuditQuery { Limit = 2, From = page.Next }).Entries);
    }

    [Fact]
    public void Read_AnythingInTheFile_GivesTheWholeEntriesAndCountsTheRest()
    {
        var log = _folder.Open();
        log.Record(AuditFolder.Entry());
        File.AppendAllText(_folder.Options.File, string.Join('\n',
            "", "null", "[]", "{}", "{\"sequence\":\"x\"}", """{"sequence":5,"who":null}""", new string('z', 200_000), "\u0000\u0001", "trailing"));
        log.Record(AuditFolder.Entry());

        var (entries, damaged) = AuditFolder.ReadAll(log, new AuditQuery { Limit = 10 });
        Assert.Equal([2L, 1L], entries.Select(entry => entry.Sequence));
        Assert.InRange(damaged, 8, 12);
    }

    [Theory]
    [InlineData("1:2:3", true)]
    [InlineData("1:2", false)]
    [InlineData("1:2:3:4", false)]
    [InlineData("-1:2:3", false)]
    [InlineData("a:2:3", false)]
    [InlineData("1:2:99999999999999999999", false)]
    [InlineData("", false)]
    public void TryParse_APlace_ReadsBackWhatItWrites(string text, bool isPlace)
    {
        Assert.Equal(isPlace, AuditCursor.TryParse(text, out var place));
        Assert.True(!isPlace || place.ToString() == text);
    }

    [Fact]
    public void TryNext_AnyFile_GivesAllLinesBackwards() => Gen.Select(Gen.Int[0, 3 * BackwardLines.Piece].Array[0, 6], Gen.Bool).Sample((lengths, ended) =>
    {
        // Lines up to one piece come whole, longer ones in parts; nothing is lost and nothing comes twice.
        var path = Path.Combine(Path.GetDirectoryName(_folder.Options.File)!, Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var text = string.Join('\n', lengths.Select((length, i) => new string((char)('a' + i), length))) + (ended ? "\n" : "");
        File.WriteAllText(path, text);
        using var file = File.OpenRead(path);
        var lines = new BackwardLines(file, file.Length);
        var read = new List<(long Offset, string Text)>();
        while (lines.TryNext(out var line, out var offset))
        {
            read.Add((offset, System.Text.Encoding.ASCII.GetString(line)));
        }

        Assert.All(read, piece => Assert.Equal(text.Substring((int)piece.Offset, piece.Text.Length), piece.Text));
        Assert.Equal(text.Count(c => c != '\n'), read.Sum(piece => piece.Text.Length));
        Assert.Equal(read.Select(piece => piece.Offset).OrderDescending(), read.Select(piece => piece.Offset));
        foreach (var whole in lengths.Select((length, i) => new string((char)('a' + i), length)).Where(line => line.Length is > 0 and < BackwardLines.Piece))
        {
            Assert.Contains(read, piece => piece.Text == whole);
        }
    }, iter: 200);

    public void Dispose() => _folder.Dispose();
}
