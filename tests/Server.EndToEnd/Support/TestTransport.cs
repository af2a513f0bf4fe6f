using Relay.TestKit;
using Relay.Transport;

namespace Relay.EndToEnd.Support;

/// <summary>Which road the tests drive: the variable RELAY_TEST_TRANSPORT says "engine" or "kestrel"; without it the relay chooses.</summary>
internal static class TestTransport
{
    public static TransportKind Kind { get; } =
        Enum.Parse<TransportKind>(Environment.GetEnvironmentVariable(TestedPrograms.TransportVariable) ?? nameof(TransportKind.Auto), ignoreCase: true);

    /// <summary>Two also where one would do: what one loop hides, two show.</summary>
    public static int Loops => 2;
}
