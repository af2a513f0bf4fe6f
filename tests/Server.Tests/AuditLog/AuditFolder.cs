using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Relay.AuditLog;

namespace Server.Tests.AuditLog;

/// <summary>An audit file in a folder of its own.</summary>
internal sealed class AuditFolder : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("relay-audit-").FullName;

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));

    public AuditOptions Options { get; } = new();

    public AuditFolder() => Options.File = Path.Combine(_folder, "log", "audit.jsonl");

    public string[] Lines => File.ReadAllLines(Options.File);

    /// <summary>The log as a start of the relay makes it.</summary>
    public AuditRecorder Open()
    {
        var log = new AuditRecorder(Options, Time, NullLogger<AuditRecorder>.Instance);
        log.StartAsync(TestContext.Current.CancellationToken).GetAwaiter().GetResult();
        return log;
    }

    public static AuditEntry Entry(string who = "uid=0(root)", string method = "SetLimits", string result = AuditEntry.Ok, string? what = null) =>
        new() { Who = who, Role = "admin", Transport = "unix", Method = method, Result = result, What = what };

    /// <summary>All entries, page by page; also how many damaged lines were met.</summary>
    public static (List<AuditEntry> Entries, int Damaged) ReadAll(AuditRecorder log, AuditQuery query)
    {
        var (entries, damaged) = (new List<AuditEntry>(), 0);
        AuditPage page;
        do
        {
            page = log.Read(query);
            entries.AddRange(page.Entries);
            damaged += page.Damaged;
            query = query with { From = page.Next };
        }
        while (page.Next is not null);
        return (entries, damaged);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
