using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;
using Relay.AuditLog;

namespace Relay.Admin;

/// <summary>The audit file as the admin service shows it.</summary>
internal sealed class AuditMapper(AuditRecorder audit)
{
    private const int DefaultSize = 100;
    private const int MaxSize = 1000;
    private const int MaxText = 256;

    public ListAuditResponse Read(ListAuditRequest request)
    {
        var from = Check(request);
        if (!audit.IsOn)
        {
            throw AdminErrors.NoAudit();
        }

        var page = audit.Read(new AuditQuery
        {
            Limit = request.PageSize == 0 ? DefaultSize : request.PageSize,
            Since = request.Since?.ToDateTime(),
            AfterSequence = request.AfterSequence,
            Who = request.Who,
            Method = request.Method,
            From = from,
        });
        return new ListAuditResponse
        {
            Entries = { page.Entries.Select(Row) },
            NextPageToken = page.Next?.ToString() ?? "",
            DamagedLines = page.Damaged,
        };
    }

    private static AuditCursor? Check(ListAuditRequest request)
    {
        var violations = new List<(string, string)>();
        if (request.PageSize is < 0 or > MaxSize)
        {
            violations.Add(("page_size", $"{request.PageSize} is not in 0 to {MaxSize}"));
        }

        AuditCursor? from = null;
        if (AuditCursor.TryParse(request.PageToken, out var cursor))
        {
            from = cursor;
        }
        else if (request.PageToken.Length > 0)
        {
            violations.Add(("page_token", "the token is not of this list; begin again without one"));
        }

        foreach (var (field, text) in new[] { ("who", request.Who), ("method", request.Method) })
        {
            if (text.Length > MaxText)
            {
                violations.Add((field, $"{text.Length} characters; at most {MaxText}"));
            }
        }

        if (request.Since is { } since && !IsTime(since))
        {
            violations.Add(("since", "it is no time between the years 1 and 9999"));
        }

        return violations.Count > 0 ? throw AdminErrors.Invalid(violations) : from;
    }

    private static bool IsTime(Timestamp time)
    {
        try
        {
            time.ToDateTime();
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static AuditRecord Row(AuditEntry entry) => new()
    {
        Sequence = entry.Sequence,
        Time = Timestamp.FromDateTime(DateTime.SpecifyKind(entry.Time, DateTimeKind.Utc)),
        RequestId = entry.RequestId ?? "",
        Who = entry.Who,
        Role = entry.Role,
        Transport = entry.Transport,
        Address = entry.Address ?? "",
        Method = entry.Method,
        What = entry.What ?? "",
        Why = entry.Why ?? "",
        Before = entry.Before ?? "",
        After = entry.After ?? "",
        Result = entry.Result,
        Text = entry.Text ?? "",
        Omitted = entry.Omitted ?? 0,
    };
}
