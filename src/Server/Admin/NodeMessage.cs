using System.Collections;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Relay.Admin;

/// <summary>Checks what another node answers: a time outside the range of its type could not be shown.</summary>
internal static class NodeMessage
{
    public static bool IsValid(IMessage message) => message switch
    {
        Duration time => time.Seconds is >= Duration.MinSeconds and <= Duration.MaxSeconds && time.Nanos is > -1_000_000_000 and < 1_000_000_000 && Math.Sign(time.Seconds) * Math.Sign(time.Nanos) >= 0,
        Timestamp time => time.Seconds is >= -62_135_596_800 and <= 253_402_300_799 && time.Nanos is >= 0 and < 1_000_000_000,
        _ => message.Descriptor.Fields.InDeclarationOrder().All(field => field.Accessor.GetValue(message) switch
        {
            IMessage inner => IsValid(inner),
            IDictionary => true,
            IEnumerable list and not string => list.OfType<IMessage>().All(IsValid),
            _ => true,
        }),
    };
}
