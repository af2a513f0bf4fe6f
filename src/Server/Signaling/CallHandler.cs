using System.Text.Json;
using Relay.Clients;
using Relay.Protocol;

namespace Relay.Signaling;

/// <summary>
/// call_offer, call_answer, call_reject, call_hangup and call_ice: forwarded like an offer. Of the payload only the call's
/// id and the description or candidate are looked at.
/// </summary>
internal sealed class CallHandler(SignalForwarder signals)
{
    private const int MaxSdpLength = 65_536;
    private const int MaxCandidateLength = 1024;

    public void Forward(Client client, string type, in ClientMessage message, long receivedAt) =>
        signals.Forward(client, type, message, receivedAt, FindError(type, message.Value("payload")));

    private static string? FindError(string type, JsonValue payload)
    {
        if (payload.ValueKind != JsonValueKind.Object)
        {
            return "Missing or invalid payload";
        }

        if (!TryGetText(payload, "callId", out var id) || !IsCallId(id))
        {
            return "Invalid or missing callId (must be UUID v4 format)";
        }

        return type switch
        {
            "call_offer" or "call_answer" =>
                !TryGetText(payload, "sdp", out var sdp) ? $"Missing or invalid sdp in {type}"
                : sdp.TextLength > MaxSdpLength ? "SDP too large (max 65536 bytes)"
                : null,
            "call_ice" =>
                !TryGetText(payload, "candidate", out var candidate) ? "Missing or invalid candidate in call_ice"
                : candidate.TextLength > MaxCandidateLength ? "ICE candidate too large (max 1024 bytes)"
                : null,
            _ => null,
        };
    }

    private static bool IsCallId(JsonValue id)
    {
        Span<char> text = stackalloc char[CallId.MaxSpelledLength];
        return id.IsText && JsonText.TryCopyAscii(id.Raw.Span, text, out var length) && CallId.IsValid(text[..length]);
    }

    private static bool TryGetText(JsonValue payload, string name, out JsonValue text) =>
        (text = payload.Field(name)).ValueKind == JsonValueKind.String && text.TextLength > 0;
}
