using Relay.Events;
using Relay.Policy;

namespace Relay.Admission;

/// <summary>The overload level for everybody changed.</summary>
/// <param name="PerSecond">Connections refused a second, without addresses that flood by themselves.</param>
/// <param name="CpuPercent">Of all processors.</param>
internal sealed record OverloadLevelChanged(OverloadLevel Before, OverloadLevel After, double PerSecond, double CpuPercent) : RelayEvent
{
    public override string Kind => "overload_level";

    public override string Text => FormattableString.Invariant(
        $"The overload level changed from {OverloadLevels.Name(Before)} to {OverloadLevels.Name(After)}: {PerSecond:0} connections refused a second, without addresses that flood by themselves; {CpuPercent:0} % of the processors in use");

    public override LogLevel Level => LogLevel.Warning;

    public override RelayChange Change => new("OverloadLevel", $"level={OverloadLevels.Name(After)}", OverloadLevels.Name(Before), OverloadLevels.Name(After));
}
