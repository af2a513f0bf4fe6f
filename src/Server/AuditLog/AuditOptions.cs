using System.ComponentModel.DataAnnotations;

namespace Relay.AuditLog;

/// <summary>The file that says who changed what, when and why.</summary>
internal sealed class AuditOptions
{
    /// <summary>JSON lines, made in `Data:Folder` at the first start with mode 0600. Empty: no audit file.</summary>
    public string File { get; set; } = "audit.jsonl";

    /// <summary>A file that would grow beyond this is renamed to FILE.1, what was FILE.1 to FILE.2, and so on. 16 MiB are some 40,000 entries.</summary>
    [Range(64 * 1024, 1024 * 1024 * 1024)]
    public int MaxBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>Renamed files that are kept beside the one that is written to; the oldest is deleted for the next.</summary>
    [Range(1, 100)]
    public int KeepFiles { get; set; } = 8;
}
