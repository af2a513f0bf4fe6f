using System.Text.Json;
using Relay.Protocol;

namespace Relay.Signaling;

/// <summary>
/// The payloads of call_offer, call_answer, call_reject, call_hangup and call_ice. Only the call's id and the description or
/// candidate are checked.
/// </summary>
internal static class CallPayload
{
    private const int MaxSdpLength = 65_536;
    private const int MaxCandidateLength = 1024;

    /// <summary>What is wrong with the payload of such a message; null: nothing.</summary>
    public static string? FindError(string type, JsonValue payload)
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
