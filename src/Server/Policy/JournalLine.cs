using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Relay.Policy;

/// <summary>A line of the journal as it is written: JSON, times in RFC 3339 with Z. People may read and repair it.</summary>
internal sealed class JournalLine
{
    public long? Revision { get; set; }

    public DateTime? Time { get; set; }

    public string? Who { get; set; }

    public string? Reason { get; set; }

    public List<Change?>? Changes { get; set; }

    public List<long>? Confirmed { get; set; }

    public WholeState? State { get; set; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }

    /// <param name="toWall">Moments that lie ahead, by the wall clock of now.</param>
    public static byte[] Write(JournalEntry entry, Func<DateTimeOffset, DateTimeOffset> toWall)
    {
        return JsonSerializer.SerializeToUtf8Bytes(
            new JournalLine
            {
                Revision = entry.Revision,
                Time = entry.Time.UtcDateTime,
                Who = entry.Who,
                Reason = entry.Reason.Length > 0 ? entry.Reason : null,
                Changes = entry.Changes.Count == 0 ? null : [.. entry.Changes.Select(change => new Change
                {
                    Path = change.Path,
                    Before = change.Before,
                    After = change.After,
                    Until = Wall(change.Until),
                    ConfirmBy = Wall(change.ConfirmBy),
                    Reset = change.IsReset ? true : null,
                    Reverts = change.Reverts,
                })],
                Confirmed = entry.Confirmed.Count == 0 ? null : [.. entry.Confirmed],
                State = entry.State is not { } state ? null : new WholeState
                {
                    Configuration = state.Configuration.ToDictionary(),
                    Changed = [.. state.Changed.Select(Write)],
                    Temporary = [.. state.Temporary.Select(Write)],
                    ShadowSince = state.ShadowSince,
                },
            },
            JournalJson.Lines.JournalLine);

        DateTime? Wall(DateTimeOffset? moment) => moment is { } due ? toWall(due).UtcDateTime : null;

        Setting Write(ItemSetting setting) => new()
        {
            Path = setting.Path,
            Text = setting.Text,
            Revision = setting.Revision,
            Who = setting.Who,
            Time = setting.Time.UtcDateTime,
            Until = Wall(setting.Until),
            ConfirmBy = Wall(setting.ConfirmBy),
        };
    }

    /// <summary>Throws <see cref="FormatException"/> with a sentence that says what is wrong.</summary>
    public static JournalEntry Read(ReadOnlySpan<byte> utf8)
    {
        JournalLine? line;
        try
        {
            line = JsonSerializer.Deserialize(utf8, JournalJson.Lines.JournalLine);
        }
        catch (JsonException exception)
        {
            // The exception's own text names types of the program.
            throw new FormatException(exception.Path is null or "$" ? "it is not valid JSON" : $"field {exception.Path.TrimStart('$', '.')} is not what it should be", exception);
        }

        NotUnknown(line?.Unknown);
        var revision = Given(line?.Revision, "revision");
        return new JournalEntry(
            revision > 0 ? revision : throw new FormatException("field revision is not above 0"),
            Moment(Given(line!.Time, "time")),
            Given(line.Who, "who"),
            line.Reason ?? "",
            [.. (line.Changes ?? []).Select(change => Read(change ?? throw Missing("changes")))])
        {
            Confirmed = line.Confirmed ?? [],
            State = line.State is not { } state ? null : new JournalState(
                (state.Configuration ?? throw Missing("state.configuration")).ToDictionary(item => item.Key, item => (string?)Given(item.Value, $"state.configuration.{item.Key}")),
                [.. (state.Changed ?? []).Select(setting => Read(setting ?? throw Missing("state.changed")))],
                [.. (state.Temporary ?? []).Select(setting => Read(setting ?? throw Missing("state.temporary")))],
                state.ShadowSince ?? 0),
        };
    }

    private static PolicyDifference Read(Change change)
    {
        NotUnknown(change.Unknown);
        return new PolicyDifference(Given(change.Path, "path"), change.Before, change.After)
        {
            Until = Ahead(change.Until),
            ConfirmBy = Ahead(change.ConfirmBy),
            IsReset = change.Reset == true,
            Reverts = change.Reverts,
        };
    }

    private static ItemSetting Read(Setting setting)
    {
        NotUnknown(setting.Unknown);
        return new ItemSetting(
            Given(setting.Path, "path"), setting.Text, Given(setting.Revision, "revision"), Given(setting.Who, "who"), Moment(Given(setting.Time, "time")),
            Ahead(setting.Until), Ahead(setting.ConfirmBy));
    }

    private static DateTimeOffset? Ahead(DateTime? time) => time is { } moment ? Moment(moment) : null;

    // A time without a zone is taken for UTC, never for the zone of the machine.
    private static DateTimeOffset Moment(DateTime time) =>
        time.Kind == DateTimeKind.Local ? new DateTimeOffset(time.ToUniversalTime()) : new DateTimeOffset(DateTime.SpecifyKind(time, DateTimeKind.Utc));

    private static T Given<T>(T? value, string field)
        where T : class => value ?? throw Missing(field);

    private static T Given<T>(T? value, string field)
        where T : struct => value ?? throw Missing(field);

    private static void NotUnknown(Dictionary<string, JsonElement>? fields)
    {
        if (fields is { Count: > 0 })
        {
            throw new FormatException($"unknown field {fields.Keys.First()}");
        }
    }

    private static FormatException Missing(string field) => new($"missing field {field}");

    internal sealed class Change
    {
        public string? Path { get; set; }

        public string? Before { get; set; }

        public string? After { get; set; }

        public DateTime? Until { get; set; }

        public DateTime? ConfirmBy { get; set; }

        public bool? Reset { get; set; }

        public long? Reverts { get; set; }

        [JsonExtensionData]
        public Dictionary<string, JsonElement>? Unknown { get; set; }
    }

    internal sealed class WholeState
    {
        public Dictionary<string, string?>? Configuration { get; set; }

        public List<Setting?>? Changed { get; set; }

        public List<Setting?>? Temporary { get; set; }

        public long? ShadowSince { get; set; }
    }

    internal sealed class Setting
    {
        public string? Path { get; set; }

        public string? Text { get; set; }

        public long? Revision { get; set; }

        public string? Who { get; set; }

        public DateTime? Time { get; set; }

        public DateTime? Until { get; set; }

        public DateTime? ConfirmBy { get; set; }

        [JsonExtensionData]
        public Dictionary<string, JsonElement>? Unknown { get; set; }
    }
}

[JsonSerializable(typeof(JournalLine))]
internal sealed partial class JournalJson : JsonSerializerContext
{
    // Networks and reasons as people read them; control characters are escaped all the same, so a line is one line.
    public static JournalJson Lines { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        AllowDuplicateProperties = false,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
