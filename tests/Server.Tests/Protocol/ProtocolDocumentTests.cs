using System.Text;
using Relay;
using Relay.Protocol;
using Server.Tests.Support;

namespace Server.Tests.Protocol;

/// <summary>docs/protocol.md lists the client messages as the program has them; `make docs` writes the list anew.</summary>
public sealed class ProtocolDocumentTests
{
    [Fact]
    public void Messages_All_AreInTheDocumentWithTheirChecks() => GeneratedText.Verify("docs/protocol.md", "messages", Table());

    // Neighbours that are checked alike share a row.
    private static string Table()
    {
        var table = new StringBuilder("\n| type | required, a string unless noted | then checked |\n|---|---|---|\n");
        var rows = new List<(string Types, string Checks)>();
        foreach (var message in ClientMessages.All)
        {
            var (type, checks) = (Type(message), $"{Fields(message)} | {Further(message)}");
            if (rows.Count > 0 && rows[^1].Checks == checks)
            {
                rows[^1] = ($"{rows[^1].Types} {type}", checks);
            }
            else
            {
                rows.Add((type, checks));
            }
        }

        rows.ForEach(row => table.Append($"| {row.Types} | {row.Checks} |\n"));
        return table.Append('\n').ToString();
    }

    private static string Type(MessageDefinition message) =>
        message.Key is { } key ? $"`{message.Name}` with the key {key}"
        : ClientMessages.All.Any(other => other.Name == message.Name && other.Key is not null) ? $"`{message.Name}` otherwise"
        : $"`{message.Name}`";

    private static string Fields(MessageDefinition message) => message.Fields.Count == 0 ? "nothing" : string.Join(", ", message.Fields.Select(Field));

    private static string Field(MessageField field) =>
        field.Kind == FieldKind.String ? field.Name
        : field.Kind == FieldKind.OptionalString ? $"{field.Name} (may be missing or null)"
        : $"{field.Name}: {field.Kind.Article.Split(' ')[1]}";

    private static string Further(MessageDefinition message) => (message.ChecksPeerId, message.NeedsAttestation) switch
    {
        (true, true) => "peerId, attestation",
        (true, false) => "peerId",
        (false, true) => "attestation",
        _ => "nothing",
    };
}
