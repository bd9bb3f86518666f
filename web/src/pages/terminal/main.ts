import { createApp } from 'vue'
import '../../kit/base.css'
import './renewed'
import App from './App.vue'

createApp(App).mount('#app')
