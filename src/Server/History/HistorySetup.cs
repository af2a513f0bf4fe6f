using Relay.Events;
using Relay.Scheduling;

namespace Relay.History;

internal static class HistorySetup
{
    public static IServiceCollection AddHistory(this IServiceCollection services) => services
        .AddEventSubscriber<HistoryRecorder>((history, published) => history.Mark(published))
        .AddPeriodic<HistoryRecorder>(HistoryRecorder.Interval, history => history.Sample());
}
