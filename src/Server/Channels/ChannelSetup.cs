namespace Relay.Channels;

internal static class ChannelSetup
{
    public static IServiceCollection AddChannels(this IServiceCollection services, ChannelOptions options) => services
        .AddSingleton(options)
        .AddSingleton<ChannelTable>()
        .AddSingleton<ChannelHandler>()
        .AddSingleton<StreamHandler>();
}
