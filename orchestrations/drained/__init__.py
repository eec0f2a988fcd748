"""Earlier versions of a video's life, for instances under way: no new one is started.

``generate_video_v1`` to ``v3`` repeat their steps in sub-orchestrations. They go, with all that is
in this folder, 25 hours after a version that starts none of them was deployed.
"""
